// What scrolls sideways can be reached with the keyboard: tables and code that are wider than the
// page. The theme does so for code only when it has loaded.
function reach() {
  const found = document.querySelectorAll(
    ".md-typeset__scrollwrap, .md-typeset__table, .md-typeset pre > code",
  );
  for (const each of found) {
    if (each.scrollWidth > each.clientWidth) each.setAttribute("tabindex", "0");
    else each.removeAttribute("tabindex");
  }
}
addEventListener("load", reach);
addEventListener("resize", reach);
