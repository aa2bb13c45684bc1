-- The parts of a run's page on what changed: records left out, cells cleaned.

local chart = require "pghost.report.chart"
local cjson = require "cjson"
local html = require "pghost.report.html"
local log = require "pghost.lib.log"

local M = {}

local most_open <const> = 15 -- rows that are shown without being asked for

local function where_of(sample)
  return ('<span class="where">%s</span>'):format(html.text(("%s:%s"):format(sample.file or "?",
    sample.line and ("%d"):format(sample.line) or "?")))
end

local function sample_items(group)
  local items = {}
  for i, one in ipairs(group.samples) do
    local bytes = one.original and ("<pre>%s</pre>"):format(html.text(one.original, 200)
      .. (one.bytes > #one.original and (" … (%s)"):format(html.bytes(one.bytes)) or "")) or ""
    items[i] = ("<li>%s %s%s</li>"):format(where_of(one), html.text(one.reason), bytes)
  end
  return '<ul class="samples">' .. table.concat(items) .. "</ul>"
end

-- The first sample at a glance, and the bytes of all that were kept.
local function examples(group)
  local first = group.samples[1]
  return first and html.details(where_of(first) .. " " .. html.text(first.reason, 90), sample_items(group)) or ""
end

local function reject_row(group, total)
  return { ("%s%s"):format(group.table_name, group.column_name and "." .. group.column_name or ""), group.rule,
    group.records, html.share(group.records, total), chart.stacked({ { group.records / total, "bad" } },
    html.share(group.records, total)), examples(group), group.settled }
end

local function reject_table(title, groups, total)
  local rows, settled = {}, 0
  for i, group in ipairs(groups) do
    rows[i], settled = reject_row(group, total), settled + group.settled
  end
  return html.table(title, { "Column", "Rule:code",
    "Records:number", "Of all:number", "Share:html",
    "For example:wide", settled > 0 and "Settled:number" or nil }, rows)
end

--- Rejects by reason, with samples.
function M.rejects(run)
  if #run.rejects == 0 then
    return html.section("rejects", "Left out: nothing", '<p class="note">No record was rejected.</p>')
  end
  local total, groups = run.rejects[1].total, run.rejects[1].groups
  local first, rest = {}, {}
  for i, group in ipairs(run.rejects) do
    table.insert(i <= most_open and first or rest, group)
  end
  return html.section("rejects", ("Left out: %s"):format(log.counted(total, "record")),
    reject_table("Rejected records by reason", first, total),
    #rest > 0 and html.details(("%d more reasons"):format(#rest), reject_table("More reasons", rest, total)) or "",
    ('<p class="note">%sAll of them, with their original bytes: <code>pghost rejects %d</code></p>'):format(
      groups > #run.rejects and ("%s rarer reasons are not shown. "):format(html.count(groups - #run.rejects)) or "",
      run.run_id))
end

local function change_text(json)
  local texts = {}
  for i, one in ipairs(json and cjson.decode(json) or {}) do
    local function show(value)
      return value == nil and '<span class="null">null</span>' or "<code>" .. html.text("'" .. value .. "'", 60)
        .. "</code>"
    end
    texts[i] = ('<span class="change">%s → %s</span>'):format(show(one.before), show(one.after))
  end
  return table.concat(texts, " ")
end

--- What cleaning changed, before and after.
function M.cleaning(run)
  local cells, rows = 0, {}
  for i, one in ipairs(run.cleaning) do
    cells = cells + one.cells
    rows[i] = { one.table_name .. "." .. one.column_name, one.rule, one.cells, change_text(one.samples) }
  end
  if #rows == 0 then
    return html.section("cleaning", "Cleaned: nothing", '<p class="note">No cell was changed.</p>')
  end
  local all = html.table("What cleaning changed", { "Column", "Rule:code",
    "Cells:number", "Before → after:wide" }, rows, { sortable = true })
  return html.section("cleaning", ("Cleaned: %s"):format(log.counted(cells, "cell")),
    #rows <= most_open and all or html.details(("%s by column and rule"):format(log.counted(#rows, "change")), all))
end

return M
