-- What cmake --install and cpack make: which files, what they depend on, how they are hardened, and that the same
-- sources give the same bytes in any folder. .ci/clean_root installs the package in a Debian of its own.

local cjson = require "cjson"
local fixture = require "support.fixture"
local lists = require "pghost.lib.lists"
local pghost = require "support.pghost"

local function must(command)
  local out, err, code = pghost.shell(command)
  assert.equal(0, code, ("%s\n%s%s"):format(command, out, err))
  return out
end

describe("what is installed", function()
  local folder, source, made

  -- The sources as git has them, changes included, and a build of them.
  local function build(name)
    local place = ("%s/%s"):format(folder, name)
    must(("mkdir -p %s && cd %s && git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c "
      .. "'test -e \"$1\" && printf \"%%s\\0\" \"$1\"' _ {} | tar c --null -T - --exclude=spec/fuzz/corpus | "
      .. "tar x -C %s")
      :format(place, pghost.root, place))
    must(("cd %s && cmake --preset release && "
      .. "cmake --build --preset release --target pghost pghost_modules manual")
      :format(place))
    return place
  end

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    source = build "one"
    made = source .. "/build"
  end)

  it("goes below DESTDIR and the prefix, and nowhere else", function()
    must(("DESTDIR=%s/stage cmake --install %s --prefix /opt/pghost"):format(folder, made))
    local files = lists.words(must(("cd %s/stage && find . -type f"):format(folder)), "[^\n]+")
    for _, name in ipairs { "bin/pghost", "lib/pghost/pghost_native.so", "lib/pghost/pghost_database.so",
      "lib/pghost/pghost_archive.so", "lib/pghost/pghost_remote.so", "lib/pghost/pghost_modules.image",
      "share/man/man1/pghost.1",
      "share/man/man1/pghost-load.1", "share/bash-completion/completions/pghost",
      "share/zsh/vendor-completions/_pghost",
      "share/fish/vendor_completions.d/pghost.fish", "share/doc/pghost/copyright", "share/pghost/docs/TUTORIAL.md",
      "share/pghost/scripts/pghost/pipeline.lua", "share/pghost/sql/metadata/001_runs.sql" } do
      assert.is_true(files["./opt/pghost/" .. name], name)
    end
    for name in pairs(files) do
      assert.matches("^%./opt/pghost/", name)
    end
    assert.matches("^pghost %d", must(("%s/stage/opt/pghost/bin/pghost --version"):format(folder)))
    -- What .luarc.json of a project names is installed, too: the library and the annotations of its native modules.
    must(("cd %s && printf 'id,name\\n1,a\\n2,b\\n' >a.csv && stage/opt/pghost/bin/pghost init a.csv --into p")
      :format(folder))
    local library = cjson.decode(must(("cat %s/p/.luarc.json"):format(folder)))["workspace.library"]
    local installed = folder .. "/stage/opt/pghost/share/pghost"
    assert.same({ installed .. "/scripts", installed .. "/docs/meta" }, library)
    must(("test -f %s/pghost/rules.lua && test -f %s/conn.lua"):format(library[1], library[2]))
    assert.matches("\n  load  ", must(("cd / && %s/stage/opt/pghost/bin/pghost --help"):format(folder)))
  end)

  for _, file in ipairs { "pghost", "pghost_native.so", "pghost_database.so", "pghost_archive.so",
    "pghost_remote.so" } do
    it("is hardened: " .. file, function()
      local out = must(("readelf -hdlW %s/%s"):format(made, file))
      assert.matches("Type:%s+DYN", out)
      assert.matches("GNU_RELRO", out)
      assert.matches("BIND_NOW", out)
      assert.matches("GNU_STACK[^\n]* RW ", out)
      assert.is_nil(out:find("RPATH", 1, true) or out:find("RUNPATH", 1, true))
      local symbols = must(("readelf -sW %s/%s"):format(made, file))
      assert.matches("__stack_chk_fail", symbols)
      assert.matches("_chk@GLIBC", symbols .. (file == "pghost_archive.so" and "_chk@GLIBC: it calls none" or ""))
      -- snprintf with the buffer of a caller, whose size only the caller knows, has no checked form.
      for _, unbounded in ipairs { "sprintf", "vsprintf", "strcat", "gets" } do
        assert.is_nil(symbols:find((" %s@"):format(unbounded), 1, true), unbounded)
      end
    end)
  end

  it("is a position-independent executable", function()
    assert.matches("Flags:[^\n]*PIE", must(("readelf -dW %s/pghost"):format(made)))
  end)

  describe("as a package", function()
    local package

    local function field(name)
      return (must(("dpkg-deb -f %s %s"):format(package, name)):gsub("\n$", ""))
    end

    setup(function()
      must(("cd %s && SOURCE_DATE_EPOCH=1700000000 cpack"):format(made))
      package = must(("ls %s/pghost_*.deb"):format(made)):gsub("\n$", "")
    end)

    it("depends on the libraries it was built with and the modules of packages.txt, and on no server", function()
      local depends = field "Depends"
      for name in must(pghost.root .. "/bootstrap packages run"):gmatch("%S+") do
        assert.matches(name, depends, 1, true)
      end
      assert.is_nil(depends:find("postgresql", 1, true))
      assert.equal("postgresql", field "Recommends")
      assert.equal(must("dpkg --print-architecture"), field "Architecture" .. "\n")
    end)

    it("holds man pages, completions and docs, owned by root, written by nobody else", function()
      local list = must(("dpkg-deb -c %s"):format(package))
      for _, name in ipairs { "usr/bin/pghost", "usr/share/man/man1/pghost.1.gz", "usr/share/man/man1/pghost-load.1.gz",
        "usr/share/bash-completion/completions/pghost", "usr/share/doc/pghost/copyright",
        "usr/share/pghost/docs/TUTORIAL.md" } do
        assert.matches(" ./" .. name .. "\n", list, 1, true)
      end
      for line in list:gmatch("[^\n]+") do
        assert.matches("^[-d]rw..?%-..?%-. root/root ", line)
      end
    end)

    it("is the same bytes from another folder", function()
      local other = build "elsewhere/two"
      must(("cd %s/build && SOURCE_DATE_EPOCH=1700000000 cpack"):format(other))
      for _, name in ipairs { "pghost", "pghost_native.so", "pghost_database.so", "pghost_archive.so",
        "pghost_remote.so",
        "pghost_modules.image", "share/man/man1/pghost.1" } do
        must(("cmp %s/%s %s/build/%s"):format(made, name, other, name))
      end
      must(("cmp %s %s/build/pghost_*.deb"):format(package, other))
    end)
  end)

  it("comes with a tarball of the sources that builds", function()
    must(("cd %s && cpack --config CPackSourceConfig.cmake && mkdir %s/unpacked && "
      .. "tar xzf pghost-*.tar.gz -C %s/unpacked"):format(made, folder, folder))
    local place = must(("ls -d %s/unpacked/pghost-*"):format(folder)):gsub("\n", "")
    local packed = lists.words(must(("cd %s && find . -type f"):format(place)), "[^\n]+")
    for name in pairs(packed) do
      assert.is_nil(name:find("^%./build/") or name:find("^%./%.git/") or name:find("node_modules", 1, true), name)
    end
    assert.is_true(packed["./bootstrap"] and packed["./spec/package_spec.lua"] and packed["./packages.txt"])
    must(("cd %s && cmake --preset release && cmake --build --preset release --target pghost")
      :format(place))
    assert.matches("^pghost %d", must(place .. "/build/pghost --version"))
  end)
end)
