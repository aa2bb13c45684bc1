-- What runs without a script (-e, stdin, the prompt) finds the modules of the project that the current folder is in.

local fixture = require "support.fixture"
local pghost = require "support.pghost"

local folder

local ways = {
  ["-e"] = function(chunk)
    return { "-e", chunk }
  end,
  ["stdin"] = function(chunk)
    return {}, chunk
  end,
  ["-"] = function(chunk)
    return { "-" }, chunk
  end,
  ["the prompt"] = function(chunk)
    return { "-i" }, chunk .. "\n"
  end,
}

local function run(way, chunk, where)
  local words, stdin = ways[way](chunk)
  return pghost.run(words, { cd = where or folder, stdin = stdin, env = "PGHOST_SERVER_DIR=" .. folder .. "/none" })
end

fixture.each(function(keep)
  folder = keep(pghost.folder())
  pghost.shell(("mkdir -p %s/rules %s/sub/deeper"):format(folder, folder))
  pghost.write(folder .. "/pipeline.lua", "error 'this runs only when it is asked for'")
  pghost.write(folder .. "/checks.lua", "return { ... }")
  pghost.write(folder .. "/rules/town.lua", [[
local r = require "pghost.rules"
return r.table("town", { { "id", r.bigint():required() } })]])
end)

local chunk = [[print(require("rules.town").name, select(2, require "checks"))]]

describe("modules of the project", function()
  for way in pairs(ways) do
    it("are found by " .. way .. ", in its folder and below it", function()
      local expected = { ("town\t%s/checks.lua\n"):format(folder), "", 0 }
      for _, where in ipairs { folder, folder .. "/sub", folder .. "/sub/deeper" } do
        assert.same(expected, { run(way, chunk, where) })
      end
    end)

    it("are not found by " .. way .. " where others can write", function()
      for _, command in ipairs { "chmod 777 %s", "chmod 755 %s; chmod 666 %s/pipeline.lua" } do
        pghost.shell((command:gsub("%%s", folder)))
        local _, err, code = run(way, chunk, folder .. "/sub")
        assert.matches("module 'rules.town' not found", err, 1, true)
        assert.equal(way == "the prompt" and 0 or 1, code)
      end
    end)
  end

  it("are not those of another user", function()
    if pghost.shell("id -u") ~= "0\n" then
      return pending("only root can give files away")
    end
    pghost.shell(("chown nobody %s %s/pipeline.lua"):format(folder, folder))
    local _, err = run("-e", chunk)
    assert.matches("module 'rules.town' not found", err, 1, true)
  end)

  it("replace none of pghost's own, and no package", function()
    pghost.write(folder .. "/argparse.lua", "error 'planted'")
    pghost.shell(("mkdir -p %s/pghost"):format(folder))
    pghost.write(folder .. "/pghost/rules.lua", "error 'planted'")
    assert.same({ "fine\n", "", 0 }, { run("-e", "require 'argparse' require 'pghost.rules' print 'fine'") })
    local out, err, code = pghost.run({ "sniff", "data.csv" }, { cd = folder })
    assert.same({ "", 1 }, { out, code })
    assert.is_nil(err:find("planted", 1, true))
  end)

  it("that are missing are told by their place in the project", function()
    local _, err = run("-e", "require 'rules.twon'", folder .. "/sub")
    assert.same(("pghost: (command line):1: module 'rules.twon' not found: no file '%s/rules/twon.lua', nor one "
      .. "elsewhere in package.path or package.cpath\n"):format(folder), err)
  end)
end)
