// SPDX-License-Identifier: BSD-2-Clause
/*
 * test_varlink.c - Varlink messages: the method table, the interface file, hostile calls
 */
#include "common/proto/varlink.h"
#include "tests/harness/harness.h"

#include <stdio.h>

#define N(name) "org.kzones.restarter." name

/* Parses a string; the call is freed again. */
static int parse(const char *text, const char **error, struct errmsg *e)
{
	struct varlink_call c = { .params = NULL };
	int r = varlink_parse_call(text, strlen(text), &c, error, e);

	if (r == 0)
		varlink_call_fini(&c);
	else
		T_NULL(c.params);
	return r;
}

TEST(varlink, a_call_is_read)
{
	static const char text[] = "{\"method\":\"" N(
		"Boot") "\",\"parameters\":"
			"{\"zone\":\"web\",\"args\":\"single\"},\"more\":true}";
	struct varlink_call c;
	const char *error = NULL;

	T_OK(varlink_parse_call(text, strlen(text), &c, &error, NULL));
	T_EQ(c.method, KZ_BOOT);
	T_TRUE(c.more);
	T_FALSE(c.oneway);
	T_STREQ(json_string_value(json_object_get(c.params, "args")), "single");
	varlink_call_fini(&c);
}

TEST(varlink, parameters_may_be_left_out_or_null)
{
	const char *error = NULL;

	T_OK(parse("{\"method\":\"" N("Zones") "\"}", &error, NULL));
	T_OK(parse("{\"method\":\"" N("Zones") "\",\"parameters\":{\"zone\":null}}",
		   &error, NULL));
	T_OK(parse("{\"method\":\"org.varlink.service.GetInfo\"}", &error, NULL));
}

TEST(varlink, what_is_no_call_ends_the_connection)
{
	static const char *const bad[] = {
		"",
		"x",
		"{",
		"[]",
		"1",
		"\"text\"",
		"null",
		"{}",
		"{\"method\":1}",
		"{\"method\":\"" N("Zones") "\",\"parameters\":[]}",
		"{\"method\":\"" N("Zones") "\",\"more\":1}",
		"{\"method\":\"" N("Zones") "\",\"oneway\":\"yes\"}",
		"{\"method\":\"" N("Zones") "\",\"extra\":1}",
		"{\"method\":\"" N("Zones") "\",\"method\":\"" N("Halt") "\"}",
		"{\"method\":\"" N("Zones") "\"} trailing",
		"{\"method\":\"" N("Zones") "\\u0000\"}",
		"{\"method\":\"\xff\"}",
	};
	const char *error = NULL;
	struct errmsg e;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		e.text[0] = '\0';
		if (parse(bad[i], &error, &e) != -EPROTO)
			T_FAIL("not refused: %s", bad[i]);
		T_TRUE(e.text[0] != '\0');
	}
}

static void check_answered(const char *text, const char *expected_error,
			   const char *message)
{
	const char *error = NULL;
	struct errmsg e = { "" };

	T_EQ(parse(text, &error, &e), -EINVAL);
	T_STREQ(error, expected_error);
	T_HAS(e.text, message);
}

TEST(varlink, wrong_calls_are_answered)
{
	check_answered("{\"method\":\"" N("Explode") "\"}",
		       "org.varlink.service.MethodNotFound", "no method");
	check_answered("{\"method\":\"com.example.Boot\"}",
		       "org.varlink.service.InterfaceNotFound", "no interface");
	check_answered("{\"method\":\"Boot\"}", "org.varlink.service.InterfaceNotFound",
		       "no interface");
	check_answered("{\"method\":\"" N("Halt") "\"}",
		       "org.varlink.service.InvalidParameter",
		       "parameter zone is missing");
	check_answered("{\"method\":\"" N("Halt") "\",\"parameters\":{\"zone\":1}}",
		       "org.varlink.service.InvalidParameter", "zone must be a string");
	check_answered("{\"method\":\"" N("Halt") "\",\"parameters\":{\"zone\":null}}",
		       "org.varlink.service.InvalidParameter", "zone must be a string");
	check_answered(
		"{\"method\":\"" N("Halt") "\",\"parameters\":{\"zone\":\"a\",\"x\":1}}",
		"org.varlink.service.InvalidParameter", "unknown parameter x");
	check_answered("{\"method\":\"" N(
			       "End") "\",\"parameters\":{\"zone\":\"a\",\"success\":1}}",
		       "org.varlink.service.InvalidParameter",
		       "success must be a boolean");
	check_answered("{\"method\":\"" N("Status") "\",\"upgrade\":true}",
		       "org.varlink.service.InvalidParameter", "upgrade");
}

TEST(varlink, a_nul_in_the_middle_is_no_json)
{
	static const char text[] = "{\"method\":\"" N("Zones") "\"}\0{\"method\":\"x\"}";
	struct varlink_call c;
	const char *error = NULL;

	T_EQ(varlink_parse_call(text, sizeof(text) - 1, &c, &error, NULL), -EPROTO);
}

TEST(varlink, huge_and_deep_calls_are_refused)
{
	struct buf b = { 0 };
	struct varlink_call c;
	const char *error = NULL;
	struct errmsg e;

	for (unsigned i = 0; i < 100000; i++)
		buf_adds(&b, "[");
	T_EQ(varlink_parse_call(b.p, b.len, &c, &error, &e), -EPROTO);
	while (b.len <= VARLINK_CALL_MAX)
		buf_adds(&b, "                                ");
	T_EQ(varlink_parse_call(b.p, b.len, &c, &error, &e), -EPROTO);
	T_HAS(e.text, "more than 262144 bytes");
	buf_fini(&b);
}

/*
 * jansson drops a byte of a long word when it cannot grow its buffer for it, so a failed
 * allocation may also look like a mistake in the call; it never passes as another call.
 */
TEST(varlink, parse_survives_every_oom)
{
	static const char text[] = "{\"method\":\"" N(
		"Boot") "\",\"parameters\":"
			"{\"zone\":\"web\",\"args\":\"quiet\"},\"more\":true}";
	struct varlink_call c;
	const char *error = NULL;
	struct errmsg e;
	long n = 0;
	int r;

	for (;; n++) {
		fault_arm(n);
		r = varlink_parse_call(text, strlen(text), &c, &error, &e);
		if (!fault.fired)
			break;
		T_TRUE(r == -ENOMEM || r == -EPROTO || r == -EINVAL);
		T_EQ(fault.live, 0);
	}
	T_OK(r);
	T_TRUE(n > 10);
	varlink_call_fini(&c);
	T_EQ(fault.live, 0);
}

TEST(varlink, what_is_written_can_be_read)
{
	struct buf b = { 0 };
	json_t *params = json_pack("{s:s}", "zone", "w\"eb");
	struct varlink_call c;
	const char *error = NULL;

	varlink_add_call(&b, KZ_HALT, params, true);
	T_OK(buf_error(&b));
	T_STREQ(b.p, "{\"method\":\"org.kzones.restarter.Halt\",\"parameters\":"
		     "{\"zone\":\"w\\\"eb\"},\"more\":true}");
	T_EQ(b.len, strlen(b.p) + 1);
	T_OK(varlink_parse_call(b.p, b.len - 1, &c, &error, NULL));
	T_EQ(c.method, KZ_HALT);
	T_TRUE(json_equal(c.params, params));
	varlink_call_fini(&c);
	json_decref(params);
	buf_fini(&b);
}

TEST(varlink, replies_and_errors_are_framed)
{
	struct buf b = { 0 };

	varlink_add_reply(&b, NULL, false);
	varlink_add_error(&b, KZ_ERR_FAILED, "line\n\"2\"");
	varlink_add_error_with(&b, KZ_ERR_BAD_STATE, "no", "state", "running");
	varlink_add_error(&b, KZ_ERR_FAILED, "cut \xc3");
	T_OK(buf_error(&b));
	T_STREQ(b.p, "{\"parameters\":{}}");
	buf_consume(&b, strlen(b.p) + 1);
	T_STREQ(b.p, "{\"error\":\"org.kzones.restarter.Failed\",\"parameters\":"
		     "{\"message\":\"line\\n\\\"2\\\"\"}}");
	buf_consume(&b, strlen(b.p) + 1);
	T_STREQ(b.p, "{\"error\":\"org.kzones.restarter.BadState\",\"parameters\":"
		     "{\"message\":\"no\",\"state\":\"running\"}}");
	buf_consume(&b, strlen(b.p) + 1);
	T_HAS(b.p, "\"cut ?\"");
	buf_consume(&b, strlen(b.p) + 1);
	T_EQ(b.len, 0);
	buf_fini(&b);
}

TEST(varlink, writers_survive_every_oom)
{
	json_t *params = json_pack("{s:s, s:[i, i]}", "zone", "web", "list", 1, 2);
	struct buf b;

	T_NOT_NULL(params);
	for (long n = 0;; n++) {
		b = (struct buf){ 0 };
		fault_arm(n);
		varlink_add_call(&b, KZ_BOOT, params, true);
		varlink_add_reply(&b, params, true);
		varlink_add_error(&b, KZ_ERR_FAILED, "text \xff");
		T_EQ(buf_error(&b), fault.fired ? -ENOMEM : 0);
		buf_fini(&b);
		T_EQ(fault.live, 0);
		if (!fault.fired)
			break;
	}
	fault_disarm();
	json_decref(params);
}

TEST(varlink, the_service_methods_are_answered)
{
	struct varlink_call info = { .method = KZ_SERVICE_INFO };
	struct varlink_call description = { .method = KZ_SERVICE_DESCRIPTION };
	struct varlink_call zones = { .method = KZ_ZONES };
	struct buf b = { 0 };

	T_TRUE(varlink_add_service(&b, &info));
	T_HAS(b.p, "\"org.kzones.restarter\"]");
	buf_fini(&b);
	description.params = json_pack("{s:s}", "interface", KZ_IFACE);
	T_TRUE(varlink_add_service(&b, &description));
	T_HAS(b.p, "method Boot(");
	buf_fini(&b);
	json_object_set_new(description.params, "interface", json_string("com.example"));
	T_TRUE(varlink_add_service(&b, &description));
	T_HAS(b.p, "org.varlink.service.InterfaceNotFound");
	buf_fini(&b);
	T_FALSE(varlink_add_service(&b, &zones));
	T_NULL(b.p);
	varlink_call_fini(&description);
}

static const char *type_of(char kind)
{
	return kind == 's'   ? "string"
	       : kind == 'b' ? "bool"
	       : kind == 'i' ? "int"
			     : "object";
}

/* The signature that a row of the table asks for: "method Boot(zone: string, ...". */
static void add_signature(struct buf *b, const char *name, const char *params)
{
	const char *separator = "";

	buf_addf(b, "\nmethod %s(", name);
	while (*params) {
		size_t len = strcspn(params, ":?");

		buf_addf(b, "%s%.*s: %s%s", separator, (int)len, params,
			 params[len] == '?' ? "?" : "", type_of(params[len + 1]));
		separator = ", ";
		params += len + 2;
		params += *params == ' ';
	}
	buf_adds(b, ") -> (");
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

TEST(varlink, the_interface_file_and_the_table_agree)
{
	static const struct {
		const char *name, *params;
		enum varlink_right right;
	} rows[] = {
#define X(id, name, right, params) { name, params, right },
		KZ_METHODS(X)
#undef X
	};

	T_HAS(kz_interface_description, "\ninterface " KZ_IFACE "\n");
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = { 0 };

		add_signature(&b, rows[i].name, rows[i].params);
		T_HAS(kz_interface_description, b.p);
		T_EQ(kz_method_right((enum kz_method)i), rows[i].right);
		T_STREQ(strrchr(kz_method_name((enum kz_method)i), '.') + 1,
			rows[i].name);
		buf_fini(&b);
	}
	T_EQ(count(kz_interface_description, "\nmethod "), ARRAY_SIZE(rows));
}

TEST(varlink, every_error_is_in_the_interface_file)
{
	static const char *const errors[] = { KZ_ERR_NO_SUCH_ZONE, KZ_ERR_BAD_STATE,
					      KZ_ERR_FAILED, KZ_ERR_DENIED,
					      KZ_ERR_INTERRUPTED };

	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		struct buf b = { 0 };

		buf_addf(&b, "\nerror %s (", strrchr(errors[i], '.') + 1);
		T_HAS(kz_interface_description, b.p);
		buf_fini(&b);
	}
	T_EQ(count(kz_interface_description, "\nerror "), ARRAY_SIZE(errors));
}
