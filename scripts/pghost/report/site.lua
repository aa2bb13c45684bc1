-- `pghost report --all`: an index over pipelines and runs, the pages of the last runs, and a page per table: a
-- catalogue that is correct by construction, since it is made from what ran.

local answers = require "pghost.report.answers"
local check_sections = require "pghost.report.check_sections"
local errors = require "pghost.lib.errors"
local atomic_file = require "pghost.lib.atomic_file"
local history = require "pghost.report.recorded_run"
local html = require "pghost.report.html"
local lfs = require "lfs"
local log = require "pghost.lib.log"
local outcome = require "pghost.report.headline"
local page = require "pghost.report.page"
local tables = require "pghost.report.table_sections"

local M = {}

local most_runs <const> = 50
local sample_rows <const> = 5
local back <const> = '<p class="meta"><a href="index.html">All runs and tables</a></p>'

local function table_file(run, name)
  return ("table-%s.%s.html"):format(html.id(run.target_schema), html.id(name))
end

local function run_link(run)
  return html.el("a", { href = ("run-%d.html"):format(run.run_id) }, ("run %d"):format(run.run_id))
end

-- A few rows of a table that pghost has published.
local function samples(conn, run, profile)
  if profile.problem or #profile.columns == 0 then
    return ""
  end
  local columns, names = {}, {}
  for i, column in ipairs(profile.columns) do
    columns[i] = { title = column.name, kind = column.kind == "number" and "number" or "text" }
    names[i] = ("pg_catalog.left(%s::text, 200)"):format(conn:quote_identifier(column.name))
  end
  local rows = {}
  for row in conn:query(("SELECT %s FROM %s.%s LIMIT %d"):format(table.concat(names, ", "),
      conn:quote_identifier(run.target_schema), conn:quote_identifier(profile.table_name), sample_rows)):rows() do
    rows[#rows + 1] = table.move(row, 1, #columns, 1, {})
  end
  return html.section("samples", "Sample rows", html.table("Sample rows", columns, rows))
end

-- Answers that read a table.
local function readers(run, name)
  local items = {}
  for _, answer in ipairs(run.answers) do
    for _, read in ipairs(answer.reads) do
      if read.table == name and read.schema == run.target_schema then
        items[#items + 1] = ("<li>%s%s</li>"):format(html.el("a", { href = table_file(run, answer.name) },
          html.text(answer.name)), html.text(#read.columns > 0 and ": " .. table.concat(read.columns, ", ") or "", 400))
      end
    end
  end
  return #items > 0 and "<p>Read by:</p><ul>" .. table.concat(items) .. "</ul>" or ""
end

local function sources(run, name)
  local items = {}
  for _, one in ipairs(run.files) do
    if one.table_name == name then
      items[#items + 1] = ("<li>%s: %s</li>"):format(html.text(one.name), log.counted(one.records or 0, "record"))
    end
  end
  return #items > 0 and "<p>Made from:</p><ul>" .. table.concat(items) .. "</ul>" or ""
end

local function clean_page(conn, run, profile)
  local name = profile.table_name
  local rules = run.rules[name]
  return page.document(conn, name, {
    header = back .. html.el("h1", nil, "Table of " .. html.text(run.pipeline)) .. html.el("p", { class = "sentence" },
      html.text(("%s.%s"):format(run.target_schema, name))) .. '<p class="meta">as published by ' .. run_link(run)
        .. "</p>",
    main = html.section("columns", "Columns", tables.profile(profile))
      .. (rules and html.section("rules", "Rules", "<pre>", html.lines(rules, 40000), "</pre>") or "")
      .. check_sections.checks(run, name) .. html.section("lineage", "Lineage", sources(run, name), readers(run, name),
        html.details("Column by column", tables.lineage(run, name)))
      .. samples(conn, run, profile),
  })
end

local function answer_page(conn, run, answer)
  return page.document(conn, answer.name, {
    header = back .. html.el("h1", nil, "Answer of " .. html.text(run.pipeline)) .. html.el("p", { class = "sentence" },
      html.text(("%s.%s"):format(run.target_schema, answer.name))) .. '<p class="meta">as published by '
        .. run_link(run)
      .. "</p>",
    main = tables.answers { answers = { answer }, is_current = true, lineage = run.lineage },
  })
end

local function index_page(conn, runs, current)
  local rows, items = {}, {}
  for i, run in ipairs(runs) do
    local word, level = outcome.state(run)
    local out = run.rejected + run.duplicates
    rows[i] = { run.pipeline, run_link(run), run.at, ('<span class="tag %s">%s</span>'):format(level, word),
      run.records,
      run.loaded, out, html.share(out, run.records), run.failed + run.warned, log.duration(math.max(run.seconds, 0)) }
  end
  for _, run in ipairs(current) do
    for _, list in ipairs { { run.tables, "clean table" }, { run.answers, "answer" } } do
      for _, one in ipairs(list[1]) do
        items[#items + 1] = { html.el("a", { href = table_file(run, one.name) },
          html.text(("%s.%s"):format(run.target_schema, one.name))), list[2], run.pipeline, run_link(run),
          one.loaded or one.total }
      end
    end
  end
  return page.document(conn, "pghost: runs and tables", {
    header = "<h1>pghost</h1>" .. html.el("p", { class = "sentence" }, ("%s, %s published"):format(log.counted(#runs,
      "run"),
      log.counted(#items, "table"))),
    main = html.section("tables", "Tables", html.table("Published tables", { "Table:html",
      "Kind",
        "Pipeline", "Run:html", "Rows:number" }, items,
          { sortable = true }))
      .. html.section("runs", "Runs", html.table("Runs", { "Pipeline", "Run:html",
        "Started", "Outcome:html", "Records:number",
        "Loaded:number", "Left out:number", "Share:number",
        "Checks failed:number", "Took:number" }, rows,
          { sortable = true })),
  })
end

local function make_folder(path)
  if lfs.attributes(path, "mode") ~= "directory" then
    local made, message = lfs.mkdir(path)
    if not made then
      errors.raise(("could not make folder '%s': %s"):format(path, message), "EIO", { exit = 1 })
    end
  end
end

-- The pages of the tables that a run has published last.
local function table_pages(conn, run, put)
  for _, profile in ipairs(run.profiles) do
    put(table_file(run, profile.table_name), clean_page(conn, run, profile))
  end
  for _, answer in ipairs(run.answers) do
    put(table_file(run, answer.name), answer_page(conn, run, answer))
  end
end

-- Pipelines whose last published run is older than the runs that are listed keep their tables in the catalogue.
local function wanted(conn, runs)
  local seen, list = {}, {}
  for i, run in ipairs(runs) do
    list[i], seen[run.run_id] = run.run_id, true
  end
  for row in conn:query([[SELECT pg_catalog.max(run_id) AS run_id FROM pghost.runs WHERE state = 'published'
      GROUP BY pipeline, target_schema ORDER BY 1 DESC]]):rows() do
    if not seen[row.run_id] then
      list[#list + 1] = row.run_id
    end
  end
  return list
end

--- Writes the folder of pages.
---@param conn pghost.Connection
---@param folder string made if it is not there
---@param pipeline? string only this one
---@return integer pages
function M.write(conn, folder, pipeline)
  make_folder(folder)
  local pages = 0
  local function put(name, text)
    atomic_file.write(folder:gsub("/+$", "") .. "/" .. name, "the report", text)
    pages = pages + 1
  end
  history.reading(conn, function()
    local runs, current = history.runs(conn, pipeline, most_runs), {}
    for _, run_id in ipairs(wanted(conn, runs)) do
      local run = history.run(conn, run_id)
      answers.add(conn, run)
      if not pipeline or run.pipeline == pipeline then
        put(("run-%d.html"):format(run_id), page.run(conn, run, back))
        if run.is_current then
          table_pages(conn, run, put)
          current[#current + 1] = run
        end
      end
    end
    put("index.html", index_page(conn, runs, current))
  end)
  return pages
end

return M
