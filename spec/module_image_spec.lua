-- The compiled modules: the same as their sources, and only as long as these are what was compiled.

local pghost = require "support.pghost"

describe("the image of the library's modules", function()
  local folder, home

  -- Takes every module of the library from wherever pghost has it, and compares it with what luaL_loadfile makes of
  -- its file: instructions, constants, lines, names and the path of the source.
  local compare = [[
    local root, count = require("pghost.native.host").root, 0
    for name in io.popen("cd " .. root .. "/scripts && find pghost -name '*.lua'"):lines() do
      local module = name:gsub("/init%.lua$", ""):gsub("%.lua$", ""):gsub("/", ".")
      local loader, path = package.searchers[2](module)
      assert(path == root .. "/scripts/" .. name, path)
      if string.dump(loader) ~= string.dump(assert(loadfile(path))) then print("differs", name) end
      count = count + 1
    end
    print(count > 300)
  ]]

  -- What a module answers that is not like its source if it comes from the image as `changed`.
  local chunk = 'print((select(2, pcall(require("pghost.lib.known_keys").check, { x = 1 }, { xy = true }, "here"))))'

  local function answer()
    return (pghost.shell(("%s/bin/pghost -e '%s'"):format(home, chunk)))
  end

  local function image(change)
    local path = home .. "/lib/pghost/pghost_modules.image"
    local file <close> = assert(io.open(path, "rb"))
    local text = change(file:read("a"))
    os.remove(path)
    local other <close> = assert(io.open(path, "wb"))
    other:write(text)
  end

  -- Says "UNKNOWN" for "unknown" in the image alone.
  local function mark(text)
    local at = text:find("pghost/lib/known_keys.lua", 1, true)
    local place = text:find("unknown", at, true)
    return text:sub(1, place - 1) .. "UNKNOWN" .. text:sub(place + 7)
  end

  before_each(function()
    folder = pghost.folder()
    home = folder .. "/a_long_folder_name" .. ("_and_longer"):rep(15) -- its length takes two bytes in bytecode
    local build, root = pghost.path:match("^(.*)/"), pghost.root
    os.execute(("mkdir -p %s/bin %s/lib/pghost %s/share/pghost"):format(home, home, home))
    os.execute(("cp %s %s/bin/ && cp %s/pghost_*.so %s/*.image %s/lib/pghost/"):format(pghost.path, home, build,
      build, home))
    os.execute(("cp -r %s/scripts %s/share/pghost/"):format(root, home))
  end)

  after_each(function()
    pghost.remove(folder)
  end)

  it("holds each module as it is compiled from its file", function()
    pghost.write(folder .. "/compare.lua", compare)
    for _, binary in ipairs { pghost.path, home .. "/bin/pghost" } do
      assert.same({ "true\n", "", 0 }, { pghost.shell(binary .. " " .. folder .. "/compare.lua") })
    end
  end)

  it("is what runs", function()
    assert.matches("^here: unknown", answer())
    image(mark)
    assert.matches("^here: UNKNOWN", answer())
  end)

  it("gives way to a file that was edited, also where its length is the same", function()
    image(mark)
    local path = home .. "/share/pghost/scripts/pghost/lib/known_keys.lua"
    local source = pghost.read(path)
    pghost.write(path, source .. "-- one more line\n")
    assert.matches("^here: unknown", answer())
    pghost.write(path, (source:gsub("unknown", "strange")))
    assert.matches("^here: strange", answer())
    pghost.write(path, source)
    assert.matches("^here: UNKNOWN", answer())
  end)

  it("does without it where it is missing, cut off, empty, or of another release of Lua", function()
    local changes = {
      function(text)
        return text:sub(1, -2)
      end,
      function()
        return ""
      end,
      function(text)
        return (text:gsub("LuaVersion: Lua 5.4.", "LuaVersion: Lua 5.9.", 1))
      end,
    }
    local whole
    image(function(text)
      whole = mark(text)
      return whole
    end)
    for _, change in ipairs(changes) do
      image(function()
        return change(whole)
      end)
      assert.matches("^here: unknown", answer())
    end
    os.remove(home .. "/lib/pghost/pghost_modules.image")
    assert.matches("^here: unknown", answer())
  end)

  it("shows a module's own lines in a traceback", function()
    local _, err, code = pghost.shell(("%s/bin/pghost -e 'require(\"pghost.lib.hex\").encode(nil)'"):format(home))
    assert.equal(1, code)
    assert.matches("/share/pghost/scripts/pghost/lib/hex%.lua:%d+: ", err)
    local other = select(2, pghost.shell(("rm %s/lib/pghost/*.image && %s/bin/pghost -e "
      .. "'require(\"pghost.lib.hex\").encode(nil)'"):format(home, home)))
    assert.equal(other, err)
  end)

  it("is never looked for beside a script, nor is bytecode taken in place of a module's source", function()
    local path = home .. "/share/pghost/scripts/pghost/lib/known_keys.lua"
    local code = string.dump(assert(load "io.stderr:write('ran')"))
    local file <close> = assert(io.open(path, "wb"))
    file:write(code)
    file:close()
    assert.matches("attempt to load a binary chunk", select(2, pghost.shell(("%s/bin/pghost -e '%s'"):format(home,
      "require [[pghost.lib.known_keys]]"))))
    pghost.write(folder .. "/script.lua", "print((require('helper')))")
    pghost.write(folder .. "/helper.lua", "return 'a source'")
    os.execute(("cp %s/lib/pghost/pghost_modules.image %s/"):format(home, folder))
    assert.equal("a source\n", (pghost.shell(("%s/bin/pghost %s/script.lua"):format(home, folder))))
  end)
end)
