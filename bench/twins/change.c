/* The work of programs/change.tal: ways to pay amounts with ten kinds of coins. */

#include <stdint.h>
#include <stdio.h>

static const uint16_t COINS[] = {50, 40, 30, 25, 20, 15, 10, 8, 6, 5, 0};

static volatile uint16_t most = 120;

__attribute__((noinline)) static uint16_t ways(uint16_t amount, const uint16_t *coin)
{
	uint16_t found;

	if (amount == 0)
		return 1;
	if (*coin == 0)
		return 0;
	found = ways(amount, coin + 1);
	if (amount >= *coin)
		found = (uint16_t)(found + ways((uint16_t)(amount - *coin), coin));
	return found;
}

int main(void)
{
	uint16_t sum = 0, amount, last = most;

	for (amount = 0; amount <= last; amount++)
		sum = (uint16_t)(sum + ways(amount, COINS));
	printf("change %u\n", (unsigned)sum);
	return 0;
}
