-- Every `pghost ...` in a block of the docs, the reference included, is one that its command's parser takes.
-- docs_commands_spec.lua executes those of README and the pages that people wrote.

local arguments = require "pghost.lib.arguments"
local commands = require "pghost.manual.commands"
local host = require "pghost.native.host"
local pghost = require "support.pghost"

-- The lines of the blocks of shell commands in a page, without comments; continued lines are one.
local function command_lines(text)
  local lines = {}
  for block in ("\n" .. text):gmatch("\n```sh\n(.-)\n```") do
    for line in (block:gsub("\\\n%s*", " ") .. "\n"):gmatch("([^\n]*)\n") do
      lines[#lines + 1] = not line:find("^#") and line ~= "" and line or nil
    end
  end
  return lines
end

-- The words of a command line as the shell has them, up to a pipe, a redirection or the next command.
local function words_of(line)
  local words, word, quote = {}, nil, nil
  for char in line:gmatch(".") do
    if quote then
      quote, word = char ~= quote and quote or nil, char == quote and word or word .. char
    elseif char == "'" or char == '"' then
      quote, word = char, word or ""
    elseif char:find("[|>&;]") or char == "#" and not word then
      break
    elseif char == " " then
      words[#words + 1] = word
      word = nil
    else
      word = (word or "") .. char
    end
  end
  words[#words + 1] = word
  return words
end

-- Those for the command: the host takes its own out first.
local function without_late(words)
  local flags, values, kept, at = {}, {}, {}, 1
  for _, text in ipairs(host.option_texts) do
    for _, name in ipairs { text.late and text.long or nil, text.late and text.short or nil } do
      (text.value and values or flags)[name] = true
    end
  end
  while at <= #words do
    if values[words[at]] then
      at = at + 1
    elseif not flags[words[at]] and not values[words[at]:match("^%-%-[%l-]+")] then
      kept[#kept + 1] = words[at]
    end
    at = at + 1
  end
  return kept
end

local known = {}
for _, name in ipairs(commands.names()) do
  known[name] = true
end

-- nil, or what the parser says to the command line.
local function problem_of(line)
  local words = words_of(line)
  while words[1] and (words[1]:find("^[%u_]+=") or words[1] == "exec") do
    table.remove(words, 1)
  end
  local program = table.remove(words, 1)
  if program ~= "pghost" and program ~= "build/pghost" then
    return nil
  end
  words = without_late(words)
  local name = table.remove(words, 1)
  if not name or name:find("^%-") or name:find("%.lua$") then
    return nil
  elseif not known[name] then
    return "no command " .. name
  end
  local good, problem = pcall(arguments.parse, commands.of(name).parser, words, "pghost " .. name)
  return not good and tostring(problem) or nil
end

describe("a command in the docs", function()
  it("is known to the spec, and a wrong one is, too", function()
    assert.same({ "load", "a b.csv", "--into", "t" }, words_of "load 'a b.csv' --into t > x")
    assert.is_nil(problem_of "build/pghost load x.csv --into t -q --dsn x | cat")
    assert.matches("unknown option '%-%-creat'", problem_of "pghost load x.csv --into t --creat")
    assert.equal("no command lod", problem_of "pghost lod x")
  end)

  it("is one that pghost takes", function()
    local wrong, count = {}, 0
    for path in pghost.shell(("cd %s && ls *.md docs/*.md docs/reference/*.md"):format(pghost.root)):gmatch("%S+") do
      for _, line in ipairs(command_lines(pghost.read(pghost.root .. "/" .. path))) do
        for part in (line .. " && "):gmatch("(.-) && ") do
          local problem = problem_of(part)
          count = count + 1
          wrong[#wrong + 1] = problem and ("%s: %s: %s"):format(path, part, problem) or nil
        end
      end
    end
    assert.same({}, wrong)
    assert.is_true(count > 60)
  end)
end)
