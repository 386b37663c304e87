// Dark or light: as the system says until the button was pressed; paper is light.
"use strict";
const Theme = (() => {
  // Okabe and Ito's colours, which colour-blind readers tell apart; lighter on a dark ground, and yellow darkened on a light one.
  const light = { text: "#1b1f24", muted: "#57606a", grid: "#e3e7eb", paper: "#ffffff", series: ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#b88600", "#3a9bdc", "#555555", "#8a7a00"] };
  const dark = { text: "#e4e7eb", muted: "#9aa4af", grid: "#2c323a", paper: "#15181d", series: ["#56a8e8", "#ff8a3d", "#2fd0a0", "#e08fc0", "#f0b840", "#9bd4ff", "#b8bec6", "#f0e442"] };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const changed = [];
  let printing = false;

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return !printing && (chosen ? chosen === "dark" : system.matches);
  }
  function tell() {
    for (const f of changed) f();
  }
  document.getElementById("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  addEventListener("beforeprint", () => { printing = true; tell(); });
  addEventListener("afterprint", () => { printing = false; tell(); });

  return { colours: () => (isDark() ? dark : light), isPrinting: () => printing, onChange: (f) => changed.push(f) };
})();
