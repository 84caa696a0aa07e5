/* fib: the C twin of programs/fib.tal. Same algorithm, same widths, same output.
 * The argument is volatile so that no compiler computes the answer, and calls stay calls: gcc 12
 * otherwise inlines the recursion into itself until most of the work is gone. */

#include <stdint.h>
#include <stdio.h>

static volatile uint16_t argument = 35;

__attribute__((noinline)) static uint16_t fib(uint16_t n)
{
	if (n < 2)
		return n;
	return (uint16_t)(fib(n - 1) + fib(n - 2));
}

int main(void)
{
	printf("fib %u\n", fib(argument));
	return 0;
}
