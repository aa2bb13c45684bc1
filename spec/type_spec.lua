-- Every type against the server's own input function, over thousands of texts: what it refuses we
-- refuse, what we accept has the same bytes, and what only we refuse has not the shape that
-- support/type_cases.lua states.

local cases = require "support.type_cases"
local driver = require "support.type_driver"

local RANDOM = 1500

local function texts_of(case, count)
  math.randomseed(20240630)
  local texts = {}
  for _, text in ipairs(case.picked or {}) do
    texts[#texts + 1] = text
  end
  for _ = 1, count do
    local text = case.make()
    texts[#texts + 1] = text
    if case.alphabet and math.random(3) == 1 then
      texts[#texts + 1] = cases.mutate(text, case.alphabet)
    end
  end
  return texts
end

local function parse(name, texts, format)
  local commands = {}
  for i, text in ipairs(texts) do
    commands[i] = ("parse\t%s\t%s%s"):format(name, driver.hex(text), format and "\t" .. format or "")
  end
  return driver.ask(commands)
end

local function shown(text)
  return ("%q"):format(#text > 80 and text:sub(1, 80) .. "..." or text)
end

-- Compares answers one by one; returns how many were accepted.
local function check(texts, ours, theirs, shape)
  local accepted = 0
  local wrong = {}
  for i, text in ipairs(texts) do
    local refused = ours[i]:sub(1, 1) == "-"
    accepted = accepted + (refused and 0 or 1)
    local expected = theirs[i] ~= "-" and (not shape or shape(text))
    if refused == expected or (not refused and ours[i] ~= theirs[i]) then
      wrong[#wrong + 1] = ("%s: ours %s, the server's %s"):format(shown(text), ours[i]:sub(1, 200), theirs[i]:sub(1, 200))
    end
  end
  assert.equal("", table.concat(wrong, "\n", 1, math.min(#wrong, 20)))
  return accepted
end

describe("a type", function()
  for _, case in ipairs(cases.types) do
    it(case.name .. " is the server's", function()
      local texts = texts_of(case, RANDOM)
      local theirs = driver.column_fields(case.name, case.send, texts)
      local accepted = check(texts, parse(case.name, texts), theirs, case.shape)
      assert.is_true(accepted > #texts / 20, "hardly any text was accepted: " .. accepted)
      assert.is_true(accepted < #texts or case.name == "text" or case.name == "varchar", "no text was refused")
    end)
  end
end)

describe("an explicit format", function()
  for _, case in ipairs(cases.formats) do
    it(("%s of a %s is the server's"):format(case.format, case.kind), function()
      local texts = texts_of({ make = case.make, alphabet = "0123456789/-:. APM" }, RANDOM)
      local moment = ("to_timestamp($1, '%s')"):format(case.format)
      local cast = case.kind == "timestamptz" and "" or "::" .. case.kind
      local theirs = driver.server_fields(("%s_send((%s)%s)"):format(case.kind, moment, cast), texts)
      local accepted = check(texts, parse(case.kind, texts, case.format), theirs, case.shape)
      assert.is_true(accepted > #texts / 20)
    end)
  end
end)
