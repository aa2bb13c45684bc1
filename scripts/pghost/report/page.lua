-- A whole page: head with its Content-Security-Policy, the outcome first, then the sections.

local answers = require "pghost.report.answers"
local check_sections = require "pghost.report.check_sections"
local html = require "pghost.report.html"
local left_out = require "pghost.report.left_out"
local log = require "pghost.lib.log"
local outcome = require "pghost.report.headline"
local sections = require "pghost.report.sections"
local style = require "pghost.report.style"
local tables = require "pghost.report.table_sections"

local M = {}

local hashes -- of style and script; they are the same on every page

-- The server has SHA-256, and there is always one.
local function policy(conn)
  hashes = hashes or conn:query([[
    SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to($1, 'UTF8')), 'base64') AS style,
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to($2, 'UTF8')), 'base64') AS script]], style.css,
    style.script)[1]
  return ("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'")
    :format(hashes.style, hashes.script)
end

--- A page from its parts, which are HTML.
---@param conn pghost.Connection
---@param title string
---@param parts { header: string, nav?: string, main: string }
---@return string
function M.document(conn, title, parts)
  return table.concat { '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta http-equiv="Content-Security-Policy" content="', policy(conn), '">\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="referrer" content="no-referrer">\n',
    "<title>", html.text(title), "</title>\n<style>", style.css, "</style>\n</head>\n<body>\n<header>", parts.header,
    "</header>\n", parts.nav or "", "<main>", parts.main, "</main>\n<footer>Made by pghost from what it recorded. ",
    "This file loads nothing and sends nothing.</footer>\n<script>", style.script, "</script>\n</body>\n</html>\n" }
end

local function figure(name, value, more)
  return ("<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>"):format(name, html.text(value), html.text(more))
end

local function figures(run)
  local out = run.rejected + run.duplicates
  local failed = run.failed + run.warned
  return '<dl class="figures">' .. table.concat {
    figure("Records in", html.count(run.records), log.counted(run.files_read, "file") .. ", " .. html.bytes(run.bytes)),
    figure("Loaded", html.count(run.loaded), html.share(run.loaded, run.records)),
    figure("Left out", html.count(out), html.share(out, run.records)),
    figure("Checks passed", ("%d of %d"):format(run.checks_run - failed, run.checks_run),
      failed == 0 and "none failed" or ("%d failed, %d warned"):format(run.failed, run.warned)),
    figure("Cells cleaned", html.count(run.cleaned), log.counted(#run.tables, "table")),
    figure("Took", log.duration(math.max(run.seconds, 0)), run.state),
  } .. "</dl>\n"
end

local words <const> = { bad = "Failed", warn = "Warning", note = "Note" }

local function remarks(run)
  local items = {}
  for i, remark in ipairs(outcome.remarks(run)) do
    items[i] = ('<li><span class="tag %s">%s</span> <a href="#%s">%s</a></li>'):format(remark.level,
      words[remark.level],
      remark.section, html.text(remark.text, 300))
  end
  if #items == 0 then
    return '<p class="note">Nothing needs a look.</p>'
  end
  return '<h2 class="look-title">What to look at</h2><ul class="look">' .. table.concat(items) .. "</ul>"
end

local function header(run)
  local _, level = outcome.state(run)
  local about = { "started " .. run.started, run.as_of and "as of " .. run.as_of or nil }
  about[#about + 1] = ("by %s on %s"):format(run.host_user or "?", run.host_name or "?")
  about[#about + 1] = run.replay_of and ("replays the rejects of run %d"):format(run.replay_of) or nil
  about[#about + 1] = "pghost " .. (run.version or "?")
  return table.concat { html.el("h1", nil, html.text(("%s · run %d · schema %s"):format(run.pipeline, run.run_id,
      run.target_schema))), html.el("p", { class = "sentence " .. level }, html.text(outcome.sentence(run), 400)),
    html.el("p", { class = "meta" }, html.text(table.concat(about, " · "), 400)), figures(run), remarks(run) }
end

local parts <const> = {
  { "flow", "Flow", sections.flow }, { "answers", "Answers", tables.answers },
  { "checks", "Checks", check_sections.checks },
  { "rejects", "Left out", left_out.rejects }, { "cleaning", "Cleaned", left_out.cleaning },
  { "tables", "Tables", tables.tables }, { "steps", "Duration", sections.steps }, { "trend", "Runs", sections.trend },
}

local function sum(run)
  run.files_read, run.checks_run, run.cleaned = 0, #run.checks, 0
  for _, one in ipairs(run.tables) do
    run.files_read = run.files_read + one.files
  end
  for _, one in ipairs(run.cleaning) do
    run.cleaned = run.cleaned + one.cells
  end
end

--- The page of one run.
---@param conn pghost.Connection
---@param run pghost.report.Run from answers.collect
---@param back? string link to an index, HTML
---@return string
function M.run(conn, run, back)
  sum(run)
  local links, main = {}, {}
  for _, part in ipairs(parts) do
    local text = part[3](run)
    if text ~= "" then
      links[#links + 1] = ('<li><a href="#%s">%s</a></li>'):format(part[1], part[2])
      main[#main + 1] = text
    end
  end
  return M.document(conn, ("%s: run %d"):format(run.pipeline, run.run_id), {
    header = (back or "") .. header(run),
    nav = '<nav aria-label="Sections"><ul>' .. table.concat(links) .. "</ul></nav>\n",
    main = table.concat(main),
  })
end

M.collect = answers.collect

return M
