import Handlebars from 'handlebars';
import type { MailContent } from './mail-content.ts';

/**
 * The two bodies of a mail. Templates come from here alone, never from data; every value is
 * escaped where it stands in HTML. Styles stand in the elements: mail programs drop sheets.
 */

const HTML = `<!doctype html>
<html lang="{{lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{subject}}</title>
</head>
<body style="margin:0;padding:24px;background:#f4f6f8;color:#22303c;font:15px/1.5 Helvetica,Arial,sans-serif">
<div style="max-width:640px;margin:0 auto;padding:24px;background:#ffffff;border-radius:6px">
{{#if isTest}}
<p style="margin:0 0 16px;padding:8px 12px;background:#fff4d6">{{say.test}}</p>
{{/if}}
{{#if notice}}
<h1 style="margin:0 0 12px;font-size:20px">{{notice.title}}</h1>
{{#each notice.lines}}
<p style="margin:0 0 8px">{{this}}</p>
{{/each}}
{{/if}}
{{#each sections}}
<h1 style="margin:0 0 12px;font-size:20px">{{heading}}</h1>
{{#each marks}}
<p style="margin:0 0 12px;padding:8px 12px;background:#fff4d6">{{this}}</p>
{{/each}}
<h2 style="margin:16px 0 4px;font-size:16px">{{@root.say.totals}}</h2>
<table role="presentation" style="border-collapse:collapse">
{{#each totals.figures}}
<tr><td style="padding:2px 24px 2px 0;color:#5b6b79">{{label}}</td><td style="padding:2px 0;text-align:right;font-weight:bold">{{value}}</td></tr>
{{/each}}
</table>
{{#if chart}}
<p style="margin:16px 0"><img src="cid:{{chart.cid}}" alt="{{chart.alt}}" width="{{chart.width}}" height="{{chart.height}}" style="max-width:100%;height:auto;border:0"></p>
{{/if}}
<table role="presentation" style="border-collapse:collapse;font-size:13px">
{{#each facts}}
<tr><td style="padding:2px 24px 2px 0;color:#5b6b79;vertical-align:top">{{label}}</td><td style="padding:2px 0">{{value}}</td></tr>
{{/each}}
</table>
{{#if file.url}}
<p style="margin:16px 0 4px"><a href="{{file.url}}" style="display:inline-block;padding:10px 18px;background:#2f6f9f;color:#ffffff;text-decoration:none;border-radius:4px">{{file.label}}</a></p>
<p style="margin:0 0 4px;font-size:13px">{{file.name}}, {{file.size}}</p>
<p style="margin:0 0 4px;font-size:13px">{{@root.say.tooLarge}} {{file.until}}.</p>
{{else}}
<p style="margin:16px 0 4px">{{file.label}}: <b>{{file.name}}</b>, {{file.size}}</p>
{{/if}}
<p style="margin:0 0 24px;font-size:11px;color:#5b6b79;word-break:break-all">SHA-256 {{file.sha256}}</p>
{{/each}}
<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid #dfe5ea;font-size:12px;color:#5b6b79">{{why}}{{#if unsubscribeUrl}} <a href="{{unsubscribeUrl}}" style="color:#5b6b79">{{say.unsubscribe}}</a>{{/if}}</p>
</div>
</body>
</html>
`;

const TEXT = `{{#if isTest}}{{say.test}}

{{/if}}{{#if notice}}{{notice.title}}

{{#each notice.lines}}{{this}}
{{/each}}
{{/if}}{{#each sections}}{{heading}}
{{#each marks}}
* {{this}}
{{/each}}

{{@root.say.totals}}
{{#each totals.figures}}
  {{label}}: {{value}}
{{/each}}

{{#each facts}}
{{label}}: {{value}}
{{/each}}

{{file.label}}: {{file.name}}, {{file.size}}
{{#if file.url}}{{file.url}}
{{@root.say.tooLarge}} {{file.until}}.
{{/if}}SHA-256 {{file.sha256}}

{{/each}}-- 
{{why}}
{{#if unsubscribeUrl}}{{say.unsubscribe}}: {{unsubscribeUrl}}
{{/if}}`;

const options = { strict: true, knownHelpersOnly: true } as const;
const html = Handlebars.compile<MailContent>(HTML, options);
const text = Handlebars.compile<MailContent>(TEXT, { ...options, noEscape: true });

export function renderMail(content: MailContent): { readonly html: string; readonly text: string } {
  return { html: html(content), text: text(content) };
}
