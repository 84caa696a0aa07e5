/* The work of programs/fermat.tal: Fermat's test to the base 2, remainders bit by bit. */

#include <stdint.h>
#include <stdio.h>

static volatile uint16_t last_number = 1999;

static uint16_t remainder_of(uint32_t dividend, uint16_t modulus)
{
	uint16_t rest = 0;
	int left;

	for (left = 32; left > 0; left--) {
		rest = (uint16_t)(rest << 1 | dividend >> 31);
		if (rest >= modulus)
			rest = (uint16_t)(rest - modulus);
		dividend <<= 1;
	}
	return rest;
}

static uint16_t times(uint16_t a, uint16_t b, uint16_t modulus)
{
	return remainder_of((uint32_t)a * b, modulus);
}

static uint16_t power_of_2(uint16_t exponent, uint16_t modulus)
{
	uint16_t power = 1;
	int left;

	for (left = 16; left > 0; left--) {
		power = times(power, power, modulus);
		if (exponent & 0x8000)
			power = times(power, 2, modulus);
		exponent = (uint16_t)(exponent << 1);
	}
	return power;
}

int main(void)
{
	uint16_t number, last = last_number;
	unsigned passed = 0;

	for (number = 3; number <= last; number = (uint16_t)(number + 2))
		passed += power_of_2((uint16_t)(number - 1), number) == 1;
	printf("fermat %u\n", passed);
	return 0;
}
