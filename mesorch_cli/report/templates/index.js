"use strict";
(() => {
  const STEP = 200;
  const WORDS = {evidence: "evidence of manipulation", open: "inconclusive", none: "no evidence found", left: "not analysed", failed: "failed"};
  const HEADS = [["No.", "number"], ["Photo"], ["File"], ["Verdict"], ["Score", "number"], ["Regions or reason"], ["Flags"]];
  const [NAME, FOLDER, THUMBNAIL, KIND, SCORE, PHOTO, TEXT, FLAGS, DECLARED] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const at = (id) => document.getElementById(id);
  const rows = JSON.parse(at("rows").textContent);
  const form = at("filter"), text = at("filter-text"), kind = at("filter-kind"), score = at("filter-score"), declared = at("filter-declared");
  const found = at("found"), listed = at("listed"), count = at("filter-count"), others = at("others");
  const needles = rows.map((row) => [row[NAME], row[TEXT], ...row[FLAGS], row[DECLARED]].join("\n").toLowerCase());
  let hits = [], shown = 0;

  const make = (tag, className, content) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (content !== undefined) element.textContent = content;
    return element;
  };

  const draw = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  const cell = (line, className, ...children) => {
    const made = make("td", className);
    made.append(...children);
    line.append(made);
  };

  const lineOf = (index) => {
    const row = rows[index], line = make("tr");
    cell(line, "number", String(index + 1));
    const picture = [];
    if (row[THUMBNAIL]) {
      const image = make("img");
      image.loading = "lazy";
      image.alt = "Thumbnail of " + row[NAME];
      image.width = 96;
      image.height = 72;
      image.src = row[THUMBNAIL] === 1 ? row[FOLDER] + "thumbnail.jpg" : row[THUMBNAIL];
      picture.push(image);
    }
    cell(line, "thumb", ...picture);
    const link = make("a");
    link.href = row[FOLDER] + "index.html";
    link.append(make("bdi", "", row[NAME]));
    cell(line, "name", link, make("small", "", row[PHOTO]));
    const verdict = [make("span", "badge " + row[KIND], WORDS[row[KIND]])];
    if (row[DECLARED]) verdict.push(make("small", "declared", "declared: " + row[DECLARED]));
    cell(line, "", ...verdict);
    const figure = [];
    if (row[SCORE] !== null) {
      const bar = draw("svg", {class: "bar", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true"});
      bar.append(draw("rect", {width: row[SCORE].toFixed(3), height: "1"}));
      figure.push(row[SCORE].toFixed(3), bar);
    }
    cell(line, "number", ...figure);
    cell(line, "", row[TEXT]);
    cell(line, "", ...row[FLAGS].flatMap((flag) => [make("span", "flag", flag), " "]));
    return line;
  };

  const more = (body, button) => {
    const end = Math.min(shown + STEP, hits.length), first = shown;
    for (; shown < end; shown += 1) body.append(lineOf(hits[shown]));
    button.hidden = shown >= hits.length;
    button.textContent = `Show ${Math.min(STEP, hits.length - shown)} more of ${hits.length}`;
    return body.children[first];
  };

  const show = () => {
    const table = make("table", "list"), head = make("tr"), body = make("tbody");
    table.append(make("caption", "unseen", "Files that the filter lets through"), make("thead"), body);
    for (const [name, className] of HEADS) {
      const th = make("th", className, name);
      th.scope = "col";
      head.append(th);
    }
    table.tHead.append(head);
    const button = make("button");
    button.type = "button";
    button.addEventListener("click", () => {
      const next = more(body, button);
      if (button.hidden && next) next.querySelector("a").focus();
    });
    const wide = make("div", "wide");
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", "Files that the filter lets through");
    wide.append(table);
    shown = 0;
    more(body, button);
    found.replaceChildren(wide, button);
  };

  const apply = () => {
    const wanted = text.value.trim().toLowerCase(), least = score.value === "" ? null : Number(score.value);
    const active = wanted !== "" || kind.value !== "" || least !== null || declared.checked;
    if (active) {
      hits = [];
      rows.forEach((row, index) => {
        if (kind.value && row[KIND] !== kind.value) return;
        if (least !== null && !(row[SCORE] !== null && row[SCORE] >= least)) return;
        if (declared.checked && !row[DECLARED]) return;
        if (wanted && !needles[index].includes(wanted)) return;
        hits.push(index);
      });
      show();
    }
    found.hidden = !active;
    listed.hidden = active;
    others.hidden = active;
    count.textContent = active ? `${hits.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} files` : "";
    const state = new URLSearchParams();
    if (wanted) state.set("text", text.value.trim());
    if (kind.value) state.set("verdict", kind.value);
    if (least !== null) state.set("score", score.value);
    if (declared.checked) state.set("declared", "1");
    const mark = String(state);
    if (active || location.hash.includes("=")) history.replaceState(null, "", "#" + (mark || "filter"));
  };

  const restore = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    text.value = state.get("text") || "";
    kind.value = state.get("verdict") || "";
    score.value = state.get("score") || "";
    declared.checked = state.get("declared") === "1";
    if (location.hash.includes("=")) apply();
  };

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, rows.length > 5000 ? 200 : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply, 0));
  form.hidden = false;
  restore();
  if (location.hash === "#filter") text.focus();
})();
