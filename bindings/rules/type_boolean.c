// boolean: the words that are true or false, in any case.
#include "rules/type_tools.h"

// True and false are told apart by the length first.
static int read_boolean(const char *at, const char *end) {
  switch (end - at) {
  case 1:
    return *at == '1' || (*at | 0x20) == 't' ? 1 : *at == '0' || (*at | 0x20) == 'f' ? 0 : -1;
  case 2:
    return is_word(at, end, "no") ? 0 : -1;
  case 3:
    return is_word(at, end, "yes") ? 1 : -1;
  case 4:
    return is_word(at, end, "true") ? 1 : -1;
  case 5:
    return is_word(at, end, "false") ? 0 : -1;
  default:
    return -1;
  }
}

// The other beginnings of the words, as parse_bool_with_len of src/backend/utils/adt/bool.c has
// them.
static int read_beginning(const char *at, const char *end) {
  static const struct {
    const char *word;
    int least, truth;
  } words[] = {{"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1},
               {"no", 1, 0},   {"on", 2, 1},    {"off", 2, 0}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    int len = 0;
    while (at + len < end && words[i].word[len] && (at[len] | 0x20) == words[i].word[len])
      len++;
    if (at + len == end && len >= words[i].least)
      return words[i].truth;
  }
  return -1;
}

static bool parse_boolean(const Type *type, const char *text, size_t len, Buffer *scratch,
                          Value *value, const char **reason) {
  (void)scratch;
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  int truth = read_boolean(at, end);
  if (truth < 0 && !type->plain)
    truth = read_beginning(at, end);
  *reason = type->kind->refusal;
  value->integer = truth;
  return truth >= 0;
}

const TypeKind type_boolean = {
    .name = "boolean",
    .aliases = {"bool"},
    .oid = 16,
    .parse = parse_boolean,
    .compare = compare_integers,
    .refusal = "not a boolean",
    .form = VALUE_INTEGER,
    .size = 1,
    .scalar = SCALAR_BOOLEAN,
    .complete = true,
};

const TypeKind *const boolean_types[] = {&type_boolean, NULL};
