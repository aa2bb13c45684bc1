-- The seed of a spec's random inputs: PGHOST_SPEC_SEED, or `variable`. Without one it is 1 in CI, which tells of a
-- change and not of luck, and a new one each time elsewhere. Say it in what a failure prints.

return function(variable)
  local given = os.getenv(variable or "PGHOST_SPEC_SEED")
  return math.tointeger(tonumber(given)) or (os.getenv "CI" and 1) or os.time() % 1000000
end
