// json and jsonb: the syntax of RFC 8259 as the server checks it; the text itself is the value.
//
// Looks at each byte once and never builds a value. For jsonb also what only jsonb refuses: the
// escape \u0000, halves of surrogate pairs, numbers beyond numeric.
#include "rules/type_tools.h"

enum {
  MAX_DEPTH = 1000,
  MAX_JSONB_BYTES = 32 << 20, // its binary form, at most six times as long, may have 256 MiB
};

static const char not_json[] = "not valid json";

typedef struct Json {
  const char *at;
  const char *end;
  bool binary; // jsonb
  unsigned depth;
  uint64_t objects[MAX_DEPTH / 64 + 1]; // a bit for each open level: an object, not an array
  const char *reason;
} Json;

static void skip_blanks(Json *json) {
  while (json->at < json->end &&
         (*json->at == ' ' || *json->at == '\n' || *json->at == '\t' || *json->at == '\r'))
    json->at++;
}

// Whether the next byte is `c`; if so, consumes it.
static bool take(Json *json, char c) {
  if (json->at == json->end || *json->at != c)
    return false;
  json->at++;
  return true;
}

// Reads the four digits of \u.
static bool read_code_unit(Json *json, unsigned *unit) {
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = json->at < json->end ? hex_value(*json->at++) : -1;
    if (digit < 0)
      return false;
    *unit = *unit * 16 + (unsigned)digit;
  }
  return true;
}

// Whether the code unit stands for text in jsonb: not NUL, a low surrogate only after a high one,
// which this reads too.
static bool read_surrogates(Json *json, unsigned unit) {
  json->reason = "not valid jsonb: \\u0000 in";
  if (unit == 0)
    return false;
  json->reason = "not valid jsonb: half a surrogate pair in";
  if ((unit & 0xFC00) == 0xDC00)
    return false;
  if ((unit & 0xFC00) == 0xD800 && !(take(json, '\\') && take(json, 'u') &&
                                     read_code_unit(json, &unit) && (unit & 0xFC00) == 0xDC00))
    return false;
  json->reason = not_json;
  return true;
}

// Reads what follows a backslash.
static bool read_escape(Json *json) {
  if (json->at == json->end)
    return false;
  char c = *json->at++;
  if (c != 'u')
    return memchr("\"\\/bfnrt", c, 8) != NULL;
  unsigned unit;
  return read_code_unit(json, &unit) && (!json->binary || read_surrogates(json, unit));
}

// Reads a string from its opening quote on.
static bool read_string(Json *json) {
  if (!take(json, '"'))
    return false;
  while (json->at < json->end) {
    unsigned char c = (unsigned char)*json->at++;
    if (c == '"')
      return true;
    if (c < ' ' || (c == '\\' && !read_escape(json)))
      return false;
  }
  return false;
}

static bool skip_digits(Json *json) {
  const char *start = json->at;
  while (json->at < json->end && is_digit(*json->at))
    json->at++;
  return json->at > start;
}

static bool read_number(Json *json) {
  const char *start = json->at;
  take(json, '-');
  if (!take(json, '0') && !skip_digits(json))
    return false;
  if (take(json, '.') && !skip_digits(json))
    return false;
  if (take(json, 'e') || take(json, 'E')) {
    if (!take(json, '+'))
      take(json, '-');
    if (!skip_digits(json))
      return false;
  }
  if (!json->binary || numeric_fits(start, (size_t)(json->at - start)))
    return true;
  json->reason = "not valid jsonb: a number out of range for numeric in";
  return false;
}

static bool read_literal(Json *json, const char *word, size_t len) {
  if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0)
    return false;
  json->at += len;
  return true;
}

// Reads a value that is not an array or object.
static bool read_scalar(Json *json) {
  switch (*json->at) {
  case '"':
    return read_string(json);
  case 't':
    return read_literal(json, "true", 4);
  case 'f':
    return read_literal(json, "false", 5);
  case 'n':
    return read_literal(json, "null", 4);
  default:
    return read_number(json);
  }
}

static bool open_level(Json *json, bool object) {
  if (json->depth == MAX_DEPTH) {
    json->reason = "nested too deeply for json";
    return false;
  }
  uint64_t bit = UINT64_C(1) << json->depth % 64;
  uint64_t *word = &json->objects[json->depth / 64];
  *word = object ? *word | bit : *word & ~bit;
  json->depth++;
  return true;
}

static bool in_object(const Json *json) {
  unsigned level = json->depth - 1;
  return json->objects[level / 64] >> level % 64 & 1;
}

// Reads a member's name and the colon after it.
static bool read_key(Json *json) {
  skip_blanks(json);
  if (!read_string(json))
    return false;
  skip_blanks(json);
  return take(json, ':');
}

// Reads the beginnings of arrays and objects up to and including the first complete value: a scalar
// or an empty array or object.
static bool read_value(Json *json) {
  for (;;) {
    skip_blanks(json);
    if (json->at == json->end)
      return false;
    char c = *json->at;
    if (c != '{' && c != '[')
      return read_scalar(json);
    json->at++;
    if (!open_level(json, c == '{'))
      return false;
    skip_blanks(json);
    if (take(json, c == '{' ? '}' : ']')) {
      json->depth--;
      return true;
    }
    if (c == '{' && !read_key(json))
      return false;
  }
}

// After a value: closes the levels that end here and goes to the next value, if there is one.
// False: not valid. Depth 0: that was the last.
static bool read_after(Json *json) {
  while (json->depth) {
    bool object = in_object(json);
    skip_blanks(json);
    if (take(json, ','))
      return !object || read_key(json);
    if (!take(json, object ? '}' : ']'))
      return false;
    json->depth--;
  }
  return true;
}

static bool read_document(Json *json) {
  do {
    if (!read_value(json) || !read_after(json))
      return false;
  } while (json->depth);
  skip_blanks(json);
  return json->at == json->end;
}

static bool parse_json(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  (void)scratch;
  Json json;
  json.at = text;
  json.end = text + len;
  json.binary = type->kind == &type_jsonb;
  json.depth = 0;
  json.reason = type->kind->refusal;
  if (json.binary && len > MAX_JSONB_BYTES)
    return refuse(type->kind->out_of_range, reason);
  if (!read_document(&json))
    return refuse(json.reason, reason);
  value->bytes = text;
  value->len = (uint32_t)len;
  return true;
}

static const TypeKind json_type = {
    .name = "json",
    .oid = 114,
    .parse = parse_json,
    .compare = compare_bytes,
    .refusal = not_json,
    .unordered = true,
    .keeps_text = true,
};

const TypeKind type_jsonb = {
    .name = "jsonb",
    .oid = 3802,
    .parse = parse_json,
    .compare = compare_bytes,
    .refusal = not_json,
    .out_of_range = "too long for jsonb",
    .form = VALUE_VERSIONED,
    .unordered = true,
    .keeps_text = true,
};

const TypeKind *const json_types[] = {&json_type, &type_jsonb, NULL};
