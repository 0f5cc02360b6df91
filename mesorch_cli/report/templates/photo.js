"use strict";
(() => {
  const pair = document.getElementById("pair"), cut = document.getElementById("cut");
  if (!pair) return;
  const value = document.getElementById("cut-value");
  const move = () => {
    pair.style.setProperty("--cut", cut.value + "%");
    value.textContent = cut.value + " %";
  };
  const drag = (event) => {
    if (event.buttons !== 1) return;
    const box = pair.getBoundingClientRect();
    cut.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    move();
    event.preventDefault();
  };
  cut.addEventListener("input", move);
  pair.addEventListener("pointerdown", drag);
  pair.addEventListener("pointermove", drag);
  document.documentElement.classList.add("script");
  move();
})();
