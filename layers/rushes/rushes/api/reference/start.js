// Show the document that the query names, by default that of the native API.
const names = ["native", "openai", "bifrost", "together", "fal", "pipelet", "tiyaro", "webhooks"];
const asked = new URLSearchParams(location.search).get("api");
const shown = names.includes(asked) ? asked : names[0];
document.querySelector("redoc").setAttribute("spec-url", `openapi/${shown}.json`);
for (const name of names) {
  const link = document.createElement("a");
  link.href = `?api=${name}`;
  link.textContent = name;
  if (name === shown) {
    link.setAttribute("aria-current", "page");
  }
  document.querySelector("#documents").append(link, " ");
}
