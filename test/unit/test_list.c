/* SPDX-License-Identifier: BSD-3-Clause */
/* test_list.c - intrusive lists and packet queues' order. */
#include "stack/core/list.h"

#include "test/check_main.h"

struct item {
	int value;
	struct list link;
};

START_TEST(elements_come_out_in_the_order_they_went_in)
{
	struct item items[3] = { { .value = 0 }, { .value = 1 }, { .value = 2 } };
	struct list head, *n;
	int i;

	list_init(&head);
	ck_assert(list_is_empty(&head));
	for (i = 0; i < 3; i++)
		list_add_tail(&head, &items[i].link);
	i = 0;
	list_for_each(n, &head)
		ck_assert_int_eq(list_entry(n, struct item, link)->value, i++);
	for (i = 0; i < 3; i++) {
		n = list_pop_head(&head);
		ck_assert_ptr_eq(n, &items[i].link);
		ck_assert(!list_is_linked(n));
	}
	ck_assert_ptr_null(list_pop_head(&head));
}
END_TEST

START_TEST(add_head_puts_in_front)
{
	struct item a = { 0 }, b = { 0 };
	struct list head;

	list_init(&head);
	list_add_head(&head, &a.link);
	list_add_head(&head, &b.link);
	ck_assert_ptr_eq(list_first(&head), &b.link);
}
END_TEST

START_TEST(deleting_twice_or_from_zeroed_memory_is_harmless)
{
	struct item a = { 0 }, b = { 0 };
	struct list head;

	list_init(&head);
	ck_assert(!list_is_linked(&a.link));
	list_del(&a.link);
	list_add_tail(&head, &a.link);
	list_add_tail(&head, &b.link);
	ck_assert(list_is_linked(&a.link));
	list_del(&a.link);
	list_del(&a.link);
	ck_assert_ptr_eq(list_first(&head), &b.link);
	list_del(&b.link);
	ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(safe_iteration_survives_deletion_of_the_current_node)
{
	struct item items[8] = { 0 };
	struct list head, *n, *tmp;
	int i, seen = 0;

	list_init(&head);
	for (i = 0; i < 8; i++) {
		items[i].value = i;
		list_add_tail(&head, &items[i].link);
	}
	list_for_each_safe(n, tmp, &head) {
		seen++;
		if (list_entry(n, struct item, link)->value % 2 == 0)
			list_del(n);
	}
	ck_assert_int_eq(seen, 8);
	i = 1;
	list_for_each(n, &head) {
		ck_assert_int_eq(list_entry(n, struct item, link)->value, i);
		i += 2;
	}
	ck_assert_int_eq(i, 9);
}
END_TEST

static Suite *list_suite(void)
{
	Suite *s = suite_create("list");
	TCase *tc = tcase_create("list");

	tcase_add_test(tc, elements_come_out_in_the_order_they_went_in);
	tcase_add_test(tc, add_head_puts_in_front);
	tcase_add_test(tc, deleting_twice_or_from_zeroed_memory_is_harmless);
	tcase_add_test(tc, safe_iteration_survives_deletion_of_the_current_node);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(list_suite)
