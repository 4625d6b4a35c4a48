// One set of listeners on the document serves every player, also those put into the page later.
(() => {
  "use strict";
  if (window.sedPlayer) return;
  window.sedPlayer = true;

  const playerOf = (node) => (node instanceof Element ? node.closest(".sed-player") : null);
  const audioOf = (player) => player.querySelector("audio");
  const lengthOf = (player) => Number(player.dataset.duration);
  const startOf = (player) => Number(player.dataset.start);

  function show(player, t) {
    const length = lengthOf(player);
    const shown = startOf(player) + t;
    const stage = player.querySelector(".sed-stage");
    player.querySelector(".sed-cursor").style.left = `${(100 * t) / length}%`;
    player.querySelector(".sed-now").textContent = shown.toFixed(2);
    stage.setAttribute("aria-valuenow", shown.toFixed(2));
    stage.setAttribute("aria-valuetext", `${shown.toFixed(2)} seconds`);
    const sounding = new Set();
    for (const event of player.querySelectorAll(".sed-event")) {
      const on = event.dataset.on <= t && t < event.dataset.off;
      event.classList.toggle("on", on);
      if (on) sounding.add(event.dataset.lane);
    }
    for (const lane of player.querySelectorAll(".sed-lane")) {
      lane.classList.toggle("on", sounding.has(lane.dataset.lane));
    }
  }

  function follow(player, t) {
    const box = player.querySelector(".sed-scroll");
    if (box.scrollWidth <= box.clientWidth) return;
    const gutter = player.querySelector(".sed-gutter").offsetWidth;
    const room = box.clientWidth - gutter;
    const x = (player.querySelector(".sed-stage").offsetWidth * t) / lengthOf(player);
    if (x < box.scrollLeft || x > box.scrollLeft + room - 16) box.scrollLeft = x - 0.1 * room;
  }

  function seek(player, t) {
    const to = Math.min(Math.max(t, 0), lengthOf(player));
    audioOf(player).currentTime = to;
    show(player, to);
  }

  function seekTo(player, event) {
    const box = player.querySelector(".sed-stage").getBoundingClientRect();
    seek(player, ((event.clientX - box.left) / box.width) * lengthOf(player));
  }

  function tick(player) {
    const audio = audioOf(player);
    if (audio.paused || !player.isConnected) return;
    show(player, audio.currentTime);
    follow(player, audio.currentTime);
    requestAnimationFrame(() => tick(player));
  }

  function listen(names, act, capture = false) {
    for (const name of names) {
      document.addEventListener(name, (event) => {
        const player = playerOf(event.target);
        if (player) act(player, event);
      }, capture);
    }
  }

  // Media events do not bubble, hence the capture.
  listen(["play"], (player, event) => {
    for (const other of document.querySelectorAll(".sed-player audio")) {
      if (other !== event.target) other.pause();
    }
    tick(player);
  }, true);
  listen(["timeupdate", "seeking", "ended"], (player, event) => show(player, event.target.currentTime), true);

  let dragged = null;
  listen(["pointerdown"], (player, event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;  // a finger scrolls, its tap seeks
    if (!event.target.closest(".sed-stage")) return;
    dragged = player;
    seekTo(player, event);
  });
  document.addEventListener("pointermove", (event) => { if (dragged) seekTo(dragged, event); });
  document.addEventListener("pointerup", () => { dragged = null; });
  listen(["click"], (player, event) => {
    if (event.target.closest(".sed-stage")) seekTo(player, event);
  });
  listen(["dblclick"], (player, event) => {
    if (!event.target.matches(".sed-event")) return;
    seek(player, Number(event.target.dataset.on));
    audioOf(player).play();
  });

  listen(["keydown"], (player, event) => {
    if (!event.target.matches(".sed-stage")) return;
    const audio = audioOf(player);
    const step = event.shiftKey ? 0.1 : 1;
    const moves = { ArrowLeft: audio.currentTime - step, ArrowRight: audio.currentTime + step,
                    Home: 0, End: lengthOf(player) };
    if (event.key in moves) seek(player, moves[event.key]);
    else if (event.key !== " ") return;
    else if (audio.paused) audio.play();
    else audio.pause();
    event.preventDefault();
  });

  listen(["pointerover", "pointerout"], (player, event) => {
    const tip = player.querySelector(".sed-tip");
    tip.hidden = event.type === "pointerout" || !event.target.matches(".sed-event");
    if (tip.hidden) return;
    const title = event.target.querySelector("title");
    if (title) {  // the browser's own slow tip would come on top of ours
      event.target.setAttribute("aria-label", title.textContent);
      title.remove();
    }
    tip.textContent = event.target.getAttribute("aria-label");
    const stage = player.querySelector(".sed-stage").getBoundingClientRect();
    const box = event.target.getBoundingClientRect();
    const left = Math.min(box.left - stage.left, stage.width - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${box.top - stage.top - tip.offsetHeight - 3}px`;
  });
})();
