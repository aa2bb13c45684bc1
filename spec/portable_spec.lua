-- What processors without SSE2 run: each way with SSE2 has a portable twin, and .ci/run runs the specs of these twins.

local pghost = require "support.pghost"

-- The sources with two ways, and the spec that reaches them.
local reached_by = {
  ["bindings/csv/ordinary.c"] = "spec/csv_reader_spec.lua",
  ["bindings/csv/sample_encoding.c"] = "spec/sniff_encoding_spec.lua",
  ["bindings/load/keys.c"] = "spec/duplicates_spec.lua",
  ["bindings/sniff/tokens.c"] = "spec/sniff_spec.lua",
}

local function shell(command)
  local out, err, code = pghost.shell(("cd %s && %s"):format(pghost.quote(pghost.root), command))
  assert.same(0, code, err)
  return out
end

local function preprocessed(path, option)
  return shell(("cc -E -P %s -I bindings %s"):format(option, path))
end

describe("without SSE2", function()
  local sources = shell "grep -rl __SSE2__ --include=*.c --include=*.h bindings host | sort"
  local ci = pghost.read(pghost.root .. "/.ci/run")
  local suite = ci:match('suite "specs without SSE2" %./bootstrap test %-%-preset portable (.-[^\\])\n')

  it("all sources are known here", function()
    for path in sources:gmatch "%S+" do
      assert.truthy(reached_by[path], path .. " uses SSE2: which spec of .ci/run reaches its portable twin?")
    end
  end)

  for path, spec in pairs(reached_by) do
    it(path .. " has another way, and its spec is run that way", function()
      assert.matches(path, sources, 1, true)
      if shell "uname -m" == "x86_64\n" then
        assert.matches("__m128i", preprocessed(path, "-msse2"), 1, true)
      end
      assert.is_nil(preprocessed(path, "-U__SSE2__"):find("_mm_", 1, true))
      local specs = shell("echo " .. suite:gsub("\\\n", " "))
      assert.matches(spec, specs, 1, true)
    end)
  end

  it("arm64 is built by .ci/aarch64 with the command of docs/INSTALL.md", function()
    local command = pghost.read(pghost.root .. "/docs/INSTALL.md"):match "`(cmake %-%-toolchain [^`]*)`"
    local toolchain = command:match "%-%-toolchain (%S+)"
    assert.matches(" --toolchain /source/" .. toolchain, pghost.read(pghost.root .. "/.ci/aarch64"), 1, true)
  end)
end)
