import { describe, expect, test } from "vitest";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { analysisPage } from "../../src/report/html/analysis-page.ts";
import { escapeHtml, html, prose } from "../../src/report/html/markup.ts";
import { svgChart } from "../../src/report/html/svg-chart.ts";
import { analyseFiles } from "./track-files.ts";
import { exchange, refusingBackend, VIP } from "./traffic.ts";

describe("the page", async () => {
  const page = analysisPage(await analyseFiles(refusingBackend()));

  test("needs nothing but itself: no scripts, no links, no other files", () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|<[^>]*\s(?:src|href)=|@import|url\(/i);
    expect(page).toContain("default-src 'none'");
  });

  test("has the verdict, frames, a filter that one click marks, VIPs and charts", () => {
    expect(page).toMatch(/<title>10\.2\.0\.12:8443 refuses connections/);
    expect(page).toMatch(/class="verdict critical"/);
    expect(page).toMatch(/lb1-eth1\.pcap<\/td><td class="number mono">#\d+/);
    expect(page).toMatch(/<code class="copy">tcp\.flags\.reset==1 &amp;&amp; /);
    expect(page).toMatch(/<h2><span class="mono">192\.0\.2\.10:443/);
    expect(page.match(/<svg /g)?.length).toBeGreaterThanOrEqual(2);
    expect(page).toContain('class="band"');
  });

  test("is well formed", () => {
    const open: string[] = [];
    const withoutVoid = page.replace(/<!doctype html>|<(meta|br|hr)\b[^>]*>|<[^>]*\/>/g, "");
    for (const [, isEnd, name = ""] of withoutVoid.matchAll(/<(\/?)([a-z0-9]+)\b[^>]*>/g)) {
      if (isEnd === "/") expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });
});

test("where nothing is wrong it says so", async () => {
  const page = analysisPage(await analyseFiles({ "lb1.pcap": exchange("10.1.0.1:40001", VIP, 0).packets() }));
  expect(page).toContain("✓ Nothing wrong with 1 connection<");
  expect(page).not.toContain("<article");
});

test("names out of a capture stay text", async () => {
  const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
  const capture = pcapngFile({ interfaces: [{ name: `"><script>alert(1)</script>\u202e` }], packets });
  const page = analysisPage(await analyseFiles({ "<b>x.pcapng": capture }));
  expect(page).not.toMatch(/<script|<b>|\u202e/);
  expect(page).toContain("&lt;b&gt;x.pcapng");
});

test("what is put into markup is escaped once", () => {
  expect(escapeHtml(`<a b="c" d='e'>&`)).toBe("&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
  expect(html`<p title="${'"'}">${["<", html`<b>${"&"}</b>`, null, 3]}</p>`.text).toBe(
    '<p title="&quot;">&lt;<b>&amp;</b>3</p>',
  );
});

test("a chart keeps its bars and its window inside", () => {
  const window = { from: -1, to: 2, label: "x" };
  const { text } = svgChart({ title: "t", counts: [0, 1, 5], kind: "bad", ticks: [{ at: 0, text: "a" }], window });
  const numbers = [...text.matchAll(/(?:x|width)="([\d.-]+)"/g)].map(([, number]) => Number(number));
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThanOrEqual(960);
  expect(text.match(/class="bar bad"/g)).toHaveLength(2);
});

test("commands in backquotes are code", () => {
  expect(prose("run `a <b>` first").text).toBe("run <code>a &lt;b&gt;</code> first");
  expect(prose("a ` alone").text).toBe("a ` alone");
});
