-- A run as JUnit XML, as CI servers show it: one test case per step and check.
--
-- A failed check of severity warn is a skipped case with its message: it is visible, but fails nothing.

local html = require "pghost.report.html"
local log = require "pghost.lib.log"

local M = {}

local function case(class, name, seconds, content)
  return ('    <testcase classname="%s" name="%s" time="%.3f"%s\n'):format(html.text(class, 300), html.text(name, 300),
    seconds or 0, content and (">%s</testcase>"):format(content) or "/>")
end

local function check_case(run, check)
  if check.passed then
    return case(run.pipeline .. ".check", check.name, check.seconds)
  end
  local text = log.counted(check.violations, "violation")
  local word = check.severity == "error" and "failure" or "skipped"
  return case(run.pipeline .. ".check", check.name, check.seconds, ('<%s message="%s">%s</%s>'):format(word, text,
    html.text(check.samples or "", 2000), word)), word
end

local function step_case(run, step)
  local class, name = run.pipeline .. ".step", step.kind .. " " .. step.name
  if step.state == "done" or (step.state == "running" and run.state == "running" and not run.gone) then
    return case(class, name, step.seconds)
  end
  local text = html.text(step.error or run.error or "not finished: the run ended here", 1000)
  return case(class, name, step.seconds, ('<error message="%s"/>'):format(text)), "error"
end

--- The run as JUnit XML.
---@param run pghost.report.Run
---@return string
function M.of(run)
  local counts, cases = { failure = 0, error = 0, skipped = 0 }, {}
  for _, list in ipairs { { run.steps, step_case }, { run.checks, check_case } } do
    for _, one in ipairs(list[1]) do
      local text, word = list[2](run, one)
      cases[#cases + 1] = text
      if word then
        counts[word] = counts[word] + 1
      end
    end
  end
  if counts.failure + counts.error == 0 and (run.state == "failed" or run.state == "interrupted"
    or run.state == "killed") then
    cases[#cases + 1] = case(run.pipeline .. ".run", "run ends well", run.seconds, ('<error message="%s"/>'):format(
      html.text(run.error or run.state, 1000)))
    counts.error = 1
  end
  local numbers = ('tests="%d" failures="%d" errors="%d" skipped="%d" time="%.3f"'):format(#cases, counts.failure,
    counts.error, counts.skipped, run.seconds)
  return table.concat { '<?xml version="1.0" encoding="UTF-8"?>\n', ("<testsuites %s>\n"):format(numbers),
    ('  <testsuite name="%s" %s timestamp="%s">\n'):format(html.text(run.pipeline, 300), numbers,
      (run.started:gsub(" ", "T", 1):gsub(" .*", ""))),
    table.concat(cases), "  </testsuite>\n</testsuites>\n" }
end

return M
