// The style sheet of the page. It is inside the page, so that a reader on a slow link waits for only one answer.

/** Colours have a contrast of at least 4.5 to 1 to their background, in both schemes. */
export const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--band:#f5f6f8;--line:#d5d9de;
--ok:#1a6b35;--anomaly:#b3261e;--link_down:#57606a;--undetermined:#7a5200;--mark:#fdeceb}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#a2abb5;--paper:#14171a;--band:#1c2024;--line:#353b42;
--ok:#6fcf8f;--anomaly:#ff9a92;--link_down:#a2abb5;--undetermined:#e3b765;--mark:#3a1d1c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.25rem;max-width:76rem;background:var(--paper);color:var(--ink);
font:1rem/1.45 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}
h1{margin:0;font-size:1.6rem}
h2{margin:2rem 0 .5rem;font-size:1.15rem}
header p{margin:0;flex:1 1 16rem;color:var(--soft)}
a{color:inherit}
dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:.25rem .9rem;font-size:.92rem}
dd{margin:0}
table{width:100%;border-collapse:collapse;font-size:.92rem}
caption{padding:0 0 .5rem;text-align:left;color:var(--soft)}
th,td{padding:.45rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{background:var(--band);border-bottom:2px solid var(--line)}
tbody th{font-weight:600;overflow-wrap:anywhere}
.results tbody th{min-width:10rem}
.results thead th:first-child{width:33%}
small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}
code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}
b,time,.count{white-space:nowrap}
td i,.none{color:var(--soft);font-style:normal}
td i{display:none}
.ok{color:var(--ok)}.anomaly{color:var(--anomaly)}.link_down{color:var(--link_down)}.undetermined{color:var(--undetermined)}
td:has(>.anomaly){background:var(--mark)}
.part th{padding-left:1.8rem;font-weight:400}
.wide{overflow-x:auto}
.probes{font-variant-numeric:tabular-nums}
footer{margin-top:2rem;color:var(--soft);font-size:.85rem}
.note{padding:.6rem .8rem;border-left:4px solid var(--undetermined);background:var(--band)}
@media(max-width:44rem){
body{padding:.8rem}
dl{display:block}dd{margin:0 0 .5rem}
table,tbody,tr,th,td{display:block}
caption{display:block}
thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
tr{margin-bottom:1rem;border:1px solid var(--line);border-radius:.4rem;overflow:hidden}
.part{margin:-1rem 0 1rem 1rem;border-top:0;border-radius:0 0 .4rem .4rem}
tbody th{background:var(--band)}
.part th{padding-left:.7rem}
td:last-child{border-bottom:0}
td i{display:block}
.probes td{padding-left:10rem}
.probes i{display:inline-block;width:9.3rem;margin-left:-9.3rem}
td:empty{display:none}
}`
