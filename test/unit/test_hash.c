/* SPDX-License-Identifier: BSD-3-Clause */
/* test_hash.c - SipHash's published vectors, spread and keying of the table hash, randomness. */
#include "test/unit/net_world.h"

/* From the SipHash paper, appendix A, and its reference table: key 00..0f, input 00, 01, 02 ... */
START_TEST(siphash_gives_the_published_values)
{
	static const struct {
		size_t len;
		uint64_t value;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31u }, { 1, 0x74f839c593dc67fdu },	 { 7, 0xab0200f58b01d137u },
		{ 8, 0x93f5f5799a932462u }, { 15, 0xa129ca6149be45e5u },
	};
	uint8_t key[16], in[16];
	unsigned int i;

	for (i = 0; i < 16; i++)
		key[i] = in[i] = (uint8_t)i;
	for (i = 0; i < RTE_DIM(vectors); i++)
		ck_assert_uint_eq(siphash24(key, in, vectors[i].len), vectors[i].value);
}
END_TEST

START_TEST(salt_and_secret_change_everything)
{
	uint8_t data[12] = { 1, 2, 3 };
	uint64_t prf = stack_prf(nw.st, data, sizeof(data), 1);
	uint32_t hash = stack_hash(nw.st, data, sizeof(data), 1);

	ck_assert_uint_eq(stack_prf(nw.st, data, sizeof(data), 1), prf);
	ck_assert_uint_eq(stack_hash(nw.st, data, sizeof(data), 1), hash);
	ck_assert_uint_ne(stack_prf(nw.st, data, sizeof(data), 2), prf);
	ck_assert_uint_ne(stack_hash(nw.st, data, sizeof(data), 2), hash);
	ck_assert_uint_ne(stack_hash(nw.st, data, sizeof(data) - 1, 1), hash);
	nw.st->cfg.secret[0] ^= 1;
	ck_assert_uint_ne(stack_prf(nw.st, data, sizeof(data), 1), prf);
	nw.st->cfg.secret[31] ^= 1;
	ck_assert_uint_ne(stack_hash(nw.st, data, sizeof(data), 1), hash);
}
END_TEST

/* Every input byte reaches every table size: no bucket gets much more than its share. */
START_TEST(table_hash_spreads_counting_keys)
{
	static uint32_t buckets[1024];
	uint32_t key[9] = { 0 }, i, most = 0;

	memset(buckets, 0, sizeof(buckets));
	for (i = 0; i < 65536; i++) {
		key[_i] = i;
		buckets[stack_hash(nw.st, key, sizeof(key), 7) & 1023]++;
	}
	for (i = 0; i < 1024; i++)
		most = RTE_MAX(most, buckets[i]);
	/* 64 expected; a random function stays below 110 but once in many thousand runs. */
	ck_assert_uint_lt(most, 110);
}
END_TEST

START_TEST(random_numbers_use_all_bits_and_do_not_repeat)
{
	uint32_t ones[32] = { 0 }, v, last = 0, i, b;

	for (i = 0; i < 10000; i++) {
		v = stack_random(nw.st);
		ck_assert_uint_ne(v, last);
		last = v;
		for (b = 0; b < 32; b++)
			ones[b] += v >> b & 1;
	}
	for (b = 0; b < 32; b++)
		ck_assert_msg(ones[b] > 4700 && ones[b] < 5300, "bit %u: %u of 10000", b, ones[b]);
}
END_TEST

static Suite *hash_suite(void)
{
	Suite *s = suite_create("hash");
	TCase *tc = tcase_create("hash");

	tcase_add_checked_fixture(tc, nw_start, nw_stop);
	tcase_add_test(tc, siphash_gives_the_published_values);
	tcase_add_test(tc, salt_and_secret_change_everything);
	tcase_add_loop_test(tc, table_hash_spreads_counting_keys, 0, 9);
	tcase_add_test(tc, random_numbers_use_all_bits_and_do_not_repeat);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(hash_suite)
