-- Which files are the same for all loaders of a shared run: on every host, before and after they are read.

local contents = require "pghost.input.contents"
local fixture = require "support.fixture"
local shared = require "support.shared"

describe("the files of a shared run", function()
  local one

  fixture.each(function(keep)
    one = keep(shared.new(3))
  end)

  -- Bytes that samples of 64 KiB at beginning, middle and end leave out: the last of the first quarter.
  local rows <const>, unsampled <const> = 30000, 7000

  local function big(first, replaced)
    local lines = { "id,name", first }
    for i = 1, rows do
      lines[#lines + 1] = ("%d,%s"):format(1000000 + i, i == replaced and "XXXXXXXXXX" or ("name%06d"):format(i))
    end
    return table.concat(lines, "\n") .. "\n"
  end

  -- Another file in its place: who has it open reads on in the old one.
  local function replace(name, text)
    one:write(name .. ".next", text)
    assert.is_true(os.rename(one.folder .. "/" .. name .. ".next", one.folder .. "/" .. name))
  end

  local function refusals()
    shared.await("a file is given back", function()
      return one:ask "SELECT count(*) FROM pghost.work WHERE refusals <> '{}'" == "1"
    end)
    return one:ask "SELECT string_agg(refusals::text, ' ') FROM pghost.work WHERE refusals <> '{}'"
  end

  local function ends(code, loader)
    local got, err = loader:wait()
    assert.equal(code, got, err)
    return err
  end

  it("are compared by size and three samples, small ones by all bytes", function()
    local function sampled(text)
      one:write("sampled", text)
      return contents.sampled { path = one.folder .. "/sampled" }
    end
    local size <const>, kib <const> = 1000 * 1024 + 7, 1024
    local function changed(at)
      return ("a"):rep(at) .. "b" .. ("a"):rep(size - at - 1)
    end
    local same = sampled(("a"):rep(size))
    for _, at in ipairs { 0, 64 * kib - 1, size // 2, size - 64 * kib, size - 1 } do
      assert.not_equal(same, sampled(changed(at)), at)
    end
    assert.equal(same, sampled(changed(64 * kib)))
    assert.not_equal(same, sampled(("a"):rep(size + 1)))
    local small = ("a"):rep(192 * kib)
    assert.not_equal(sampled(small), sampled(("a"):rep(100 * kib) .. "b" .. ("a"):rep(92 * kib - 1)))
    assert.equal(sampled(small), contents.sampled { path = "gone", contents = small })
    local model = "import hashlib; print(hashlib.sha256(b'196608\\n' + b'a' * 196608).hexdigest(), end='')"
    assert.equal(one:python(model, ""), sampled(small))
  end)

  -- A helper finds another item02.csv on its host, and gives it back; the file is loaded all the same.
  local function assert_given_back(others)
    local right = big "5,x"
    one:write("item02.csv", right)
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    replace("item02.csv", big("5,x", others))
    local helper <close> = shared.start(one, { "pipeline.lua", "--join" })
    assert.match("item02.csv: has other contents on this host", refusals())
    replace("item02.csv", right)
    one:write("go", "")
    ends(0, holder)
    ends(0, helper)
    assert.equal(shared.expected(one), shared.published(one))
  end

  it("are given back by a helper that has others of the same size", function()
    assert_given_back(rows)
  end)

  it("are given back by a helper that reads other bytes than the holder has hashed", function()
    one:write("pipeline.lua", (shared.script:gsub("end%) } }%)%)", 'end) } }), { mode = "append" })', 1)))
    assert_given_back(unsampled)
  end)

  it("end the run where two loaders have read one with different bytes; the next run reads it again", function()
    one:write("item01.csv", big "1,at1")
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at1")
    shared.reached(one, holder)
    replace("item01.csv", big("1,at1", unsampled))
    local helper <close> = shared.start(one, { "pipeline.lua", "--join" })
    shared.expire(one, "place = 1")
    shared.await("the helper has loaded all", function()
      return one:ask "SELECT count(*) FROM pghost.work WHERE state = 'loaded'" == "3"
    end)
    one:write("go", "")
    assert.match("item01.csv: two loaders have read it with different contents: make it the same on all hosts, and "
      .. "leave it unchanged while table 'item' is loaded", ends(1, holder))
    ends(1, helper)
    local err, code = one:run("pipeline.lua", { "--share", "yes" })
    assert.equal(0, code, err)
    assert.equal(shared.expected(one), shared.published(one))
  end)

  it("are all loaded by the next holder where one of them is another file by then", function()
    local holder <close> = shared.start(one, { "pipeline.lua", "--share", "yes" }, "at2")
    shared.reached(one, holder)
    holder:signal(9)
    ends(137, holder)
    one:write("item03.csv", (one:read("item03.csv"):gsub("again", "AGAIN")))
    local err, code = one:run("pipeline.lua", { "--share", "yes" })
    assert.equal(0, code, err)
    assert.equal(shared.expected(one), shared.published(one))
    assert.equal("1", one:ask "SELECT max(attempt) FROM pghost.work")
  end)
end)
