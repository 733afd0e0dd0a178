// The same story as the bench's suite, once for each line that comes in: its milliseconds are a line that goes out.
// It looks for what the probe looks for: errors of the console and of scripts, requests that fail, answers that are
// errors. It waits as long for the page to be quiet.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [endpoint, url, quiet] = process.argv.slice(2);
const browser = await chromium.connectOverCDP(endpoint);

async function story() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const problems = [];
  let pending = 0;
  let last = performance.now();
  const ended = () => {
    pending -= 1;
    last = performance.now();
  };
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("response", (response) => response.status() >= 400 && problems.push(response.url()));
  page.on("request", () => (pending += 1));
  page.on("requestfinished", ended);
  page.on("requestfailed", (request) => {
    problems.push(request.url());
    ended();
  });
  await page.goto(url);
  await page.getByRole("textbox", { name: "Mail" }).fill("demo");
  await page.getByRole("combobox", { name: "Country" }).selectOption("France");
  await page.getByRole("button", { name: "Buy" }).click();
  await page.getByText("Thank you, demo of France!").waitFor();
  last = performance.now();
  for (;;) {
    const left = last + Number(quiet) - performance.now();
    if (pending === 0 && left <= 0) break;
    await new Promise((resolve) => setTimeout(resolve, Math.max(left, 1)));
  }
  await context.close();
  if (problems.length > 0) throw new Error(problems.join("; "));
}

for await (const _ of createInterface({ input: process.stdin })) {
  const begun = performance.now();
  await story();
  console.log(performance.now() - begun);
}
console.log(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
process.exit(0);
