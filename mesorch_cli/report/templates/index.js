"use strict";
(() => {
  const STEP = 200;
  const WORDS = {evidence: "evidence of manipulation", open: "inconclusive", none: "no evidence found", left: "not analysed", failed: "failed"};
  const KINDS = Object.keys(WORDS);
  const HEADS = [["No.", "rank", "number"], ["Photo"], ["Map"], ["File", "name"], ["Verdict", "verdict"], ["Score", "score", "number"], ["Regions or reason", "regions"], ["Notes", "notes"], ["Flags", "flags"]];
  const [NAME, FOLDER, THUMBNAIL, KIND, SCORE, PHOTO, TEXT, FLAGS, DECLARED, MAP, NOTES, ALIKE, GROUP, LARGEST] = Array(14).keys();
  const LARGEST_FIRST = ["score", "regions", "notes", "flags"];
  const collator = new Intl.Collator("en", {numeric: true});
  const at = (id) => document.getElementById(id);
  const rows = JSON.parse(at("rows").textContent);
  const form = at("filter"), text = at("filter-text"), kind = at("filter-kind"), score = at("filter-score"), note = at("filter-note");
  const found = at("found"), listed = at("listed"), count = at("filter-count"), others = at("others");
  const needles = rows.map((row) => [row[NAME], row[TEXT], ...row[FLAGS], row[DECLARED], ...row[NOTES], row[ALIKE]].join("\n").toLowerCase());
  const shareText = (value) => { // as `numbers.share_text` does
    const told = value.toFixed(3);
    if (value < 1 && told === "1.000") return "> 0.999";
    return value > 0 && told === "0.000" ? "< 0.001" : told;
  };
  const noted = (row) => row[NOTES].length + (row[DECLARED] ? 1 : 0);
  const VALUES = {
    rank: (index) => index, name: (index) => rows[index][NAME], verdict: (index) => KINDS.indexOf(rows[index][KIND]),
    score: (index) => rows[index][SCORE], regions: (index) => rows[index][LARGEST],
    notes: (index) => noted(rows[index]), flags: (index) => rows[index][FLAGS].length,
  };
  let hits = [], shown = 0, order = []; // [key, direction], the latest first

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

  const picture = (row, which, name, what) => {
    if (!row[which]) return [];
    const image = make("img");
    image.loading = "lazy";
    image.alt = what + row[NAME];
    image.width = 96;
    image.height = 72;
    image.src = row[which] === 1 ? row[FOLDER] + name : row[which];
    return [image];
  };

  const linkTo = (row, content, mark = "") => {
    const link = make("a");
    link.href = row[FOLDER] + "index.html" + mark;
    link.append(content);
    return link;
  };

  const lineOf = (index) => {
    const row = rows[index], line = make("tr");
    cell(line, "number", String(index + 1));
    cell(line, "thumb", ...picture(row, THUMBNAIL, "thumbnail.jpg", "Thumbnail of "));
    cell(line, "thumb", ...picture(row, MAP, "thumbnail_map.jpg", "Map of "));
    cell(line, "name", linkTo(row, make("bdi", "", row[NAME])), make("small", "", row[PHOTO]));
    const verdict = [make("span", "badge " + row[KIND], WORDS[row[KIND]])];
    if (row[DECLARED]) verdict.push(make("small", "declared", "declared: " + row[DECLARED]));
    cell(line, "", ...verdict);
    const figure = [];
    if (row[SCORE] !== null) {
      const bar = draw("svg", {class: "bar", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true"});
      bar.append(draw("rect", {width: row[SCORE].toFixed(3), height: "1"}));
      figure.push(shareText(row[SCORE]), bar);
    }
    cell(line, "number", ...figure);
    cell(line, "", row[TEXT]);
    const chips = (words) => words.flatMap((word) => [make("span", "flag", word), " "]);
    const like = make("small");
    if (row[ALIKE]) like.append(linkTo(row, row[ALIKE], "#alike"));
    cell(line, "", ...chips(row[NOTES]), ...(row[ALIKE] ? [like] : []));
    cell(line, "", ...chips(row[FLAGS]));
    return line;
  };

  const more = (body, button) => {
    const end = Math.min(shown + STEP, hits.length), first = shown;
    for (; shown < end; shown += 1) body.append(lineOf(hits[shown]));
    button.hidden = shown >= hits.length;
    button.textContent = `Show ${Math.min(STEP, hits.length - shown)} more of ${hits.length}`;
    return body.children[first];
  };

  const sortable = (head, key) => {
    const button = make("button", "", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => {
      const before = order.find((one) => one[0] === key) || (head.hasAttribute("aria-sort") ? [key, head.getAttribute("aria-sort")] : null);
      const first = LARGEST_FIRST.includes(key) ? "descending" : "ascending";
      const direction = before && (order.length === 0 || order[0] === before) ? {ascending: "descending", descending: "ascending"}[before[1]] : first;
      order = [[key, direction], ...order.filter((one) => one[0] !== key)].slice(0, 2);
      apply();
      const same = found.querySelector(`th[data-key="${key}"] button`);
      if (same) same.focus();
    });
    head.replaceChildren(button);
  };

  const show = () => {
    const table = make("table", "list"), head = make("tr"), body = make("tbody");
    table.append(make("caption", "unseen", "Files that the filter lets through, in the order chosen"), make("thead"), body);
    for (const [name, key, className] of HEADS) {
      const th = make("th", className, name);
      th.scope = "col";
      if (key) {
        th.dataset.key = key;
        const first = order.length ? order[0] : note.value === "alike" ? [] : ["rank", "ascending"];
        if (key === first[0]) th.setAttribute("aria-sort", first[1]);
        sortable(th, key);
      }
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

  const compared = (first, second) => {
    for (const [key, direction] of order) {
      const [one, other] = [VALUES[key](first), VALUES[key](second)];
      if (one === other) continue;
      if (one === null) return 1; // what has no value comes last, whatever the direction
      if (other === null) return -1;
      const less = typeof one === "string" ? collator.compare(one, other) : one - other;
      if (less !== 0) return direction === "ascending" ? less : -less;
    }
    return first - second;
  };

  const passes = (row, wanted) => {
    if (wanted === "any") return noted(row) > 0;
    if (wanted === "declared") return row[DECLARED] !== "";
    if (wanted === "alike") return row[GROUP] > 0;
    return row[NOTES].includes(wanted);
  };

  const apply = () => {
    const wanted = text.value.trim().toLowerCase(), least = score.value === "" ? null : Number(score.value);
    const filtered = wanted !== "" || kind.value !== "" || least !== null || note.value !== "";
    const active = filtered || order.length > 0;
    if (active) {
      hits = [];
      rows.forEach((row, index) => {
        if (kind.value && row[KIND] !== kind.value) return;
        if (least !== null && !(row[SCORE] !== null && row[SCORE] >= least)) return;
        if (note.value && !passes(row, note.value)) return;
        if (wanted && !needles[index].includes(wanted)) return;
        hits.push(index);
      });
      if (order.length) hits.sort(compared);
      else if (note.value === "alike") hits.sort((one, other) => rows[one][GROUP] - rows[other][GROUP] || one - other);
      show();
    }
    found.hidden = !active;
    listed.hidden = active;
    others.hidden = active;
    const told = active ? [`${hits.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} files`] : [];
    if (order.length) told.push(`sorted by ${order.map(([key, direction]) => `${key}, ${direction}`).join("; then by ")}`);
    count.textContent = told.join("; ");
    const state = new URLSearchParams();
    if (wanted) state.set("text", text.value.trim());
    if (kind.value) state.set("verdict", kind.value);
    if (least !== null) state.set("score", score.value);
    if (note.value) state.set("note", note.value);
    if (order.length) state.set("sort", order.map((one) => one.join(".")).join(" "));
    const mark = String(state);
    if (active || location.hash.includes("=")) history.replaceState(null, "", "#" + (mark || "filter"));
  };

  const restore = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    text.value = state.get("text") || "";
    kind.value = state.get("verdict") || "";
    score.value = state.get("score") || "";
    note.value = state.get("note") || "";
    order = (state.get("sort") || "").split(" ").map((one) => one.split(".")).filter(([key, direction]) => Object.hasOwn(VALUES, key) && ["ascending", "descending"].includes(direction)).slice(0, 2);
    if (location.hash.includes("=")) apply();
  };

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, rows.length > 5000 ? 200 : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    order = [];
    setTimeout(apply, 0);
  });
  document.querySelectorAll("#listed th[data-key]").forEach((head) => sortable(head, head.dataset.key));
  form.hidden = false;
  restore();
  if (location.hash === "#filter") text.focus();
})();
