-- The look of a page, and its only script: sorting of tables. Both are allowed by their hashes alone
-- (Content-Security-Policy), so an attribute `style` or a handler in the data could do nothing.
--
-- Colour has a meaning or is not there: good, warn, bad, and one colour for marks that are none of these.

local M = {}

M.css = [[
:root{color-scheme:light dark;--page:#fff;--card:#f6f7f9;--line:#dfe3e8;--ink:#16191d;--soft:#535c66;--mark:#2f6db5;
--good:#1a7f4b;--warn:#8f5a00;--bad:#b3261e;--good-fill:#4fa77b;--warn-fill:#dca035;--bad-fill:#d4574f;--quiet:#a9b2bc;
--s2:#b3511d;--s3:#6b4fa1;--s4:#11797c}
@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;--line:#343a41;--ink:#e8eaed;--soft:#a8b1bb;
--mark:#79aee8;--good:#6fcf9d;--warn:#edb95e;--bad:#ff8f87;--good-fill:#3f9a6c;--warn-fill:#c58c2b;--bad-fill:#d8625b;
--quiet:#69727c;--s2:#e79668;--s3:#b49be0;--s4:#63c3c6}}
*{box-sizing:border-box}
html{scroll-padding-top:3.5rem}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",
Arial,sans-serif;-webkit-text-size-adjust:100%}
header,main,footer,nav ul{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:15px;font-weight:600;color:var(--soft);margin:0 0 12px}
h2{font-size:21px;line-height:1.3;margin:0 0 16px;font-weight:650}
h3{font-size:16px;margin:0 0 8px;overflow-wrap:anywhere}
p{margin:0 0 12px;max-width:75ch}
a{color:var(--mark)}
.sentence{font-size:27px;line-height:1.3;font-weight:650;letter-spacing:-.01em;margin:0 0 8px;max-width:34em;
text-wrap:balance;overflow-wrap:anywhere}
.sentence:not([class="sentence"])::before{content:"";display:inline-block;width:.62em;height:.62em;border-radius:50%;
margin-right:.45em;
background:var(--quiet)}
.sentence.good::before{background:var(--good-fill)}.sentence.warn::before{background:var(--warn-fill)}
.sentence.bad::before{background:var(--bad-fill);border-radius:2px}
.meta,.note{color:var(--soft);font-size:14px}
.note.bad{color:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(6,1fr);margin:28px 0 24px;padding:0;border:1px solid var(--line);
border-radius:8px;overflow:hidden}
.figures div{padding:14px 16px;border-left:1px solid var(--line)}
.figures div:first-child{border-left:0}
.figures dt{color:var(--soft);font-size:13px}
.figures dd{margin:0;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.35}
.figures small{display:block;font-size:13px;font-weight:400;color:var(--soft)}
.look{margin:0 0 8px;padding:0;list-style:none;max-width:90ch}
.look li{padding:7px 0 7px 84px;border-top:1px solid var(--line);position:relative;overflow-wrap:anywhere}
.look .tag{position:absolute;left:0;top:8px}
.look-title{font-size:15px;margin:0 0 8px;font-weight:650}
nav{position:sticky;top:0;background:var(--page);border-bottom:1px solid var(--line);margin-top:28px;z-index:1}
nav ul{display:flex;gap:22px;list-style:none;overflow-x:auto;padding-top:10px;padding-bottom:10px}
nav a{color:var(--soft);text-decoration:none;white-space:nowrap;font-size:14px}
nav a:hover,nav a:focus{color:var(--ink);text-decoration:underline}
section{padding:40px 0 0}
article{padding:20px 0 8px}
article+article{border-top:1px solid var(--line)}
.scroll{overflow-x:auto;margin:0 0 12px;
background:linear-gradient(90deg,var(--page) 40%,transparent) 0 0/40px 100% no-repeat local,
linear-gradient(270deg,var(--page) 40%,transparent) 100% 0/40px 100% no-repeat local,
linear-gradient(90deg,var(--quiet),transparent) 0 0/10px 100% no-repeat scroll,
linear-gradient(270deg,var(--quiet),transparent) 100% 0/10px 100% no-repeat scroll}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:7px 12px 7px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:500;font-size:13px;white-space:nowrap;border-bottom-color:var(--quiet)}
tbody th{font-weight:500;overflow-wrap:break-word;min-width:9em;max-width:24em}
td>code{white-space:nowrap}td.w code{white-space:normal}
th.n,td.n{text-align:right;white-space:nowrap}
td.n+td:not(.n),td.n+th:not(.n),th.n+th:not(.n){padding-left:12px}
th:last-child,td:last-child{padding-right:0}
td{overflow-wrap:break-word}td.w{min-width:16em;overflow-wrap:anywhere}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th button::after{content:"↕";margin-left:4px;opacity:.6}
th[aria-sort=ascending] button::after{content:"↑";opacity:1}
th[aria-sort=descending] button::after{content:"↓";opacity:1}
code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{overflow-wrap:anywhere}
pre{background:var(--card);border-radius:6px;padding:10px 12px;overflow-x:auto;margin:4px 0 10px;white-space:pre-wrap;
overflow-wrap:anywhere}
.null{color:var(--soft);font-style:italic}
.tag{font-size:13px;font-weight:600;white-space:nowrap;color:var(--soft)}
.tag.good{color:var(--good)}.tag.warn{color:var(--warn)}.tag.bad{color:var(--bad)}
.change{display:inline-block;margin-right:14px}
td .value{display:inline-block;margin-right:12px}
.count,.where{color:var(--soft)}
.trend{list-style:none;padding:0;display:grid;grid-template-columns:repeat(4,1fr);gap:24px;margin:0 0 20px}
.trend span{display:block;color:var(--soft);font-size:13px}
.trend strong{display:block;margin:0 0 6px;font-weight:600;font-variant-numeric:tabular-nums}
.trend .columns{width:100%;height:32px}
.samples{margin:6px 0 0;padding:0;list-style:none}
details{margin:0 0 10px}
summary{cursor:pointer;color:var(--mark)}
td details{margin:0}
:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
svg{display:block}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink)}
.bar{width:140px;height:10px;margin-top:6px;background:var(--card);border-radius:2px}
.columns{width:120px;height:24px}
.mark{fill:var(--mark)}.good{fill:var(--good-fill)}.warn{fill:var(--warn-fill)}.bad{fill:var(--bad-fill)}
.quiet,.negative{fill:var(--quiet)}
.chart{width:100%;max-width:860px;margin-bottom:12px}.chart.narrow{display:none}
.bound{white-space:nowrap}
.grid{stroke:var(--line);stroke-width:1}
svg .tick{fill:var(--soft);font-size:11px;font-variant-numeric:tabular-nums}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.line.s1{stroke:var(--mark)}circle.s1{fill:var(--mark)}.line.s2{stroke:var(--s2)}circle.s2{fill:var(--s2)}
.line.s3{stroke:var(--s3)}circle.s3{fill:var(--s3)}.line.s4{stroke:var(--s4)}circle.s4{fill:var(--s4)}
.key{margin-right:18px;font-size:14px}.key::before{content:"";display:inline-block;width:14px;height:3px;
margin:0 7px 4px 0;
background:var(--mark)}
.key.s2::before{background:var(--s2)}.key.s3::before{background:var(--s3)}.key.s4::before{background:var(--s4)}
.bars{list-style:none;padding:0;margin:0 0 12px;max-width:860px}
.bars li{display:grid;grid-template-columns:minmax(0,15em) minmax(60px,1fr) minmax(4em,auto);gap:14px;padding:3px 0;
font-size:14px}
.bars .name{overflow-wrap:anywhere}
.bars .bar{width:100%;background:none;height:12px}
.bars .value{text-align:right;font-variant-numeric:tabular-nums}
.flow{min-width:900px;width:100%;max-width:1072px;margin-bottom:16px}
.flow.narrow{display:none;min-width:0;max-width:460px}
.flow rect{fill:var(--card);stroke:var(--line)}
.flow a:hover rect,.flow a:focus rect{stroke:var(--mark);stroke-width:2}
.flow .name{font-weight:600;font-size:13px}
svg .more,svg .layer{fill:var(--soft)}
svg .left-out{fill:var(--bad);font-weight:600}
.edge{fill:none;stroke:var(--quiet);stroke-width:1.5}
.question{color:var(--soft)}
footer{padding-top:48px;padding-bottom:40px;color:var(--soft);font-size:13px}
@media screen and (max-width:720px){
header,main,footer,nav ul{padding-left:16px;padding-right:16px}header{padding-top:24px}
nav{position:static}nav ul{flex-wrap:wrap;gap:6px 18px}
.sentence{font-size:22px}.trend{grid-template-columns:1fr 1fr}
.figures{grid-template-columns:repeat(2,1fr);margin:20px 0}
.figures div{border-left:0;border-top:1px solid var(--line);padding:10px 14px}
.figures div:nth-child(-n+2){border-top:0}.figures div:nth-child(even){border-left:1px solid var(--line)}
.look li{padding-left:0}.look .tag{position:static;display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr{display:block}tr{border-bottom:1px solid var(--line);padding:8px 0}
tbody th,tbody td{display:inline-block;border:0;padding:0 14px 0 0;min-width:0;max-width:100%;vertical-align:middle}
tbody th,tbody td.w{display:block;padding:0;min-width:0}
tbody th{font-weight:600}tbody td.n{text-align:left}
td[data-label]::before{content:attr(data-label) " ";color:var(--soft);font-size:13px}
td.w[data-label]::before,td[data-label]:has(>svg)::before{content:none}td:empty{display:none}
td .bar,td .columns{display:inline-block;vertical-align:middle;margin:0}td.n+td:not(.n){padding-left:0}
.chart{display:none}.chart.narrow,.flow.narrow{display:block}.flow{display:none}
.bars li{grid-template-columns:minmax(0,9em) minmax(40px,1fr) minmax(3.5em,auto);gap:8px}}
@media print{nav{display:none}body{font-size:12px}section{padding-top:22px}.scroll{overflow:visible}
.flow{min-width:0}.scroll{background:none}tr,svg,li,.figures{break-inside:avoid}
h2,h3,.question,.legend,thead,.look-title{break-after:avoid}
tbody tr:first-child{break-before:avoid}
.question,.answer{break-inside:avoid}header{padding-top:0}footer{padding:20px 0 0}
tbody th{min-width:7em}td.w{min-width:12em}.bar{width:80px}
th button::after{content:""}@page{margin:14mm}}
]]

M.script = [[
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numeric = head.classList.contains("n");
      const key = (row) => {
        const text = row.cells[at].textContent;
        return numeric ? parseFloat(text.replace(/,/g, "")) : text;
      };
      const order = (a, b) => {
        const x = key(a), y = key(b);
        if (!numeric) return x.localeCompare(y);
        return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : x - y;
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a))));
    });
  });
}
]]

return M
