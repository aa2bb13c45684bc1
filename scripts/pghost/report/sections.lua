-- The parts of a run's page that come from its history: flow, durations, trend.

local chart = require "pghost.report.chart"
local cjson = require "cjson"
local flow = require "pghost.report.flow"
local html = require "pghost.report.html"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local outcome = require "pghost.report.headline"

local M = {}

local function balance_row(one)
  local whole = math.max(one.records, 1)
  local label = ("%s loaded, %s rejected, %s waived, %s duplicates, %s filtered"):format(html.count(one.loaded),
    html.count(one.rejected), html.count(one.waived), html.count(one.duplicates), html.count(one.filtered))
  local untold = one.records - one.loaded - one.rejected - one.waived - one.duplicates - one.filtered
  return { one.name, one.files, one.records, chart.stacked({ { one.loaded / whole, "good" },
    { (one.filtered + one.waived) / whole, "quiet" }, { one.duplicates / whole, "warn" }, { one.rejected / whole,
      "bad" } }, label),
    one.loaded, one.rejected, one.waived, one.duplicates, one.filtered,
    not one.complete and '<span class="tag bad">not finished</span>'
      or untold == 0 and '<span class="tag good">adds up</span>'
      or ('<span class="tag warn">%s not told of</span>'):format(html.count(untold)) }
end

-- What was made of the tables that are partitioned.
local function partitions(run)
  local rows = {}
  for _, one in ipairs(M.partitions(run)) do
    rows[#rows + 1] = { one.table, ("%s of %s"):format(one.by, one.column), one.new, one.replaced, one.names }
  end
  return #rows == 0 and "" or html.table("Partitions", { "Table", "Partitioned by", "New:number", "Replaced:number",
    "Names" }, rows)
end

--- The partitions that the loads of a run have built.
---@param run pghost.report.Run
---@return (pghost.partitions.Told|{ table: string })[]
function M.partitions(run)
  local list = {}
  for _, step in ipairs(run.steps) do
    local one = step.partitions and cjson.decode(step.partitions)
    if one then
      one.table, one.new, one.replaced = step.name, math.tointeger(one.new), math.tointeger(one.replaced)
      list[#list + 1] = one
    end
  end
  return list
end

--- Files to answers, and where each record went.
function M.flow(run)
  local rows = lists.map(run.tables, balance_row)
  local files = {}
  for i, file in ipairs(run.files) do
    files[i] = { file.name, file.table_name, file.state, file.size and html.bytes(file.size), file.records, file.loaded,
      file.rejected, file.waived, file.duplicates, file.filtered, file.sha256 }
  end
  local total = run.files[1] and run.files[1].total or 0
  return html.section("flow", "From files to answers", flow.picture(run),
    #rows == 0 and '<p class="note">No file was read.</p>' or html.table("Where each record went", {
      "Table", "Files:number", "Records:number",
      "Share:html", "Loaded:number", "Rejected:number", "Waived:number",
      "Duplicates:number", "Filtered:number", "Balance:html",
    }, rows), partitions(run),
    #files == 0 and "" or html.details(log.counted(total, "file")
      .. (total > #files and (", the first %d"):format(#files) or ""), html.table("Files", {
      "File", "Table", "State", "Size:number",
      "Records:number", "Loaded:number", "Rejected:number", "Waived:number",
      "Duplicates:number", "Filtered:number", "SHA-256:code",
    }, files, { sortable = true })))
end

--- How long each step took.
function M.steps(run)
  local items = {}
  for i, step in ipairs(run.steps) do
    items[i] = { name = step.kind .. " " .. step.name, value = step.seconds or 0,
      class = step.state == "failed" and "bad" or nil,
      text = step.state == "done" and log.duration(step.seconds or 0) or step.state == "failed" and "failed"
        or "not finished" }
    if step.records and step.seconds and step.seconds > 0 then
      items[i].text = ("%s · %s records/s"):format(items[i].text, html.count(step.records // step.seconds | 0))
    end
  end
  return html.section("steps", "Duration: " .. log.duration(math.max(run.seconds, 0)), chart.bars(items))
end

-- One number of the last runs, as columns.
local function small_chart(run, title, value, text)
  local most, heights, classes = 0, {}, {}
  for _, one in ipairs(run.trend) do
    most = math.max(most, value(one))
  end
  for i, one in ipairs(run.trend) do
    heights[i] = most > 0 and value(one) / most or 0
    classes[i] = i == #run.trend and "mark" or "quiet"
  end
  local now = text(value(run.trend[#run.trend]))
  return ('<li><span>%s</span><strong>%s</strong>%s</li>'):format(title, html.text(now), chart.columns(heights,
    { classes = classes,
    slots = math.max(#heights, 10), width = 200, label = ("%s of the last %d runs, now %s"):format(title, #heights,
      now) }))
end

local function trend_charts(run)
  if #run.trend < 2 then
    return ""
  end
  return '<ul class="trend">' .. table.concat {
    small_chart(run, "Records in", function(one)
      return one.records
    end, html.count),
    small_chart(run, "Share left out", function(one)
      return one.records > 0 and (one.rejected + one.duplicates) / one.records or 0
    end, function(share)
      return html.share(share, 1)
    end),
    small_chart(run, "Checks failed", function(one)
      return one.failed + one.warned
    end, html.count),
    small_chart(run, "Took", function(one)
      return math.max(one.seconds, 0)
    end, log.duration),
  } .. "</ul>"
end

--- The last runs of the same pipeline.
function M.trend(run)
  local rows = {}
  for i = #run.trend, 1, -1 do
    local one = run.trend[i]
    local word, level = outcome.state(one)
    local out = one.rejected + one.duplicates
    rows[#rows + 1] = { ("%d"):format(one.run_id), one.at, ('<span class="tag %s">%s</span>'):format(level, word),
      one.records, one.loaded, out, html.share(out, one.records), one.failed + one.warned,
        log.duration(math.max(one.seconds, 0)) }
  end
  return html.section("trend", #rows == 1 and "Runs: this is the first" or ("The last %d runs"):format(#rows),
    trend_charts(run), html.table("The last runs of this pipeline", { "Run", "Started",
      "Outcome:html",
      "Records:number", "Loaded:number", "Left out:number",
      "Share:number", "Checks failed:number", "Took:number" },
      rows))
end

return M
