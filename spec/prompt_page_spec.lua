-- docs/PROMPT.md: what it says was typed is typed, over the sample data, and gives what it says.

local fixture = require "support.fixture"
local pages = require "support.executed_page"
local pghost = require "support.pghost"
local projects = require "support.project"
local prompt = require "support.prompt"

describe("docs/PROMPT.md", function()
  local project

  fixture.once(function(keep)
    project = keep(projects.new())
    for _, name in ipairs { "scripts", "data", "sql" } do
      pghost.shell(("cp -r %s/%s %s/"):format(pghost.root, name, project.folder))
    end
    local _, err, code = pghost.run({ "--dsn", project.dsn, "scripts/pipeline.lua" }, { cd = project.folder })
    assert.equal(0, code, err)
  end)

  -- Lines after a prompt are typed.
  local function split(text)
    local typed, printed = {}, {}
    for line in text:gmatch("([^\n]*)\n") do
      local input = line:match("^pghost[*!]?> (.*)$") or line:match("^%->%s(.*)$")
      local list = input and typed or printed
      list[#list + 1] = input or line
    end
    return typed, table.concat(printed, "\n") .. "\n"
  end

  -- Owner, times and numbers of runs are those of the machine.
  local function masked(text)
    return (text:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d UTC, took %S+ s", "TIME")
      :gsub("(| )postgres\n", "%1pghost\n"):gsub("| owner *\n[-+]+\n", "| owner\n"))
  end

  it("is what happens", function()
    local count = 0
    for _, block in ipairs(pages.blocks("docs/PROMPT.md")) do
      if block.kind == "text" then
        local typed, expected = split(block.text)
        local out = prompt.feed(project.folder, typed, ("--dsn '%s' 2>&1"):format(project.dsn))
        out, expected = masked(out), masked(expected)
        local above, below = expected:match("^(.-)%.%.%.\n(.*)$")
        if above then
          assert.equal(above, out:sub(1, #above))
          assert.equal(below, out:sub(-#below))
        else
          assert.equal((expected:gsub("\n+$", "")), (out:gsub("\n+$", "")))
        end
        count = count + 1
      end
    end
    assert.equal(9, count)
  end)
end)
