/* bytecode: the C twin of programs/bytecode.tal. Same algorithm, same widths, same output.
 * The guest's number of rounds is volatile and patched into its code. */

#include <stdint.h>
#include <stdio.h>

enum {
	HALT, PUSH, LOAD, STORE, PLUS, MINUS, TIMES, HALF,
	ODD, EQUAL, JUMP, JUMP_IF, PRINT, COPY, DROP, INCREMENT
};
enum { SUM, START, ROUND, LENGTH };

static volatile uint8_t rounds = 25;

#define WORD(value) (uint8_t)((value) >> 8), (uint8_t)(value)

static uint8_t guest[] = {
	/*  0 */ PUSH, WORD(0), COPY, STORE, SUM, STORE, ROUND,
	/*  8 */ PUSH, WORD(1), STORE, START,
	/* 13 */ PUSH, WORD(0), STORE, LENGTH,
	/* 18 */ LOAD, START,
	/* 20 */ COPY, PUSH, WORD(1), EQUAL, JUMP_IF, WORD(50),
	/* 28 */ INCREMENT, LENGTH,
	/* 30 */ COPY, ODD, JUMP_IF, WORD(39),
	/* 35 */ HALF, JUMP, WORD(20),
	/* 39 */ PUSH, WORD(3), TIMES, PUSH, WORD(1), PLUS, JUMP, WORD(20),
	/* 50 */ DROP,
	/* 51 */ LOAD, SUM, LOAD, LENGTH, PLUS, STORE, SUM,
	/* 58 */ INCREMENT, START,
	/* 60 */ LOAD, START, PUSH, WORD(601), MINUS, JUMP_IF, WORD(13),
	/* 69 */ INCREMENT, ROUND,
	/* 71 */ LOAD, ROUND, PUSH, WORD(25), MINUS, JUMP_IF, WORD(8),
	/* 80 */ LOAD, SUM, PRINT,
	/* 83 */ HALT,
};

#define ROUNDS_OPERAND 75 /* its low byte */

static void run(const uint8_t *code)
{
	uint16_t stack[128], variables[16] = {0}, *top = stack, word;
	uint16_t ip = 0;

	for (;;) {
		switch (code[ip++]) {
		case HALT: return;
		case PUSH: *top++ = (uint16_t)(code[ip] << 8 | code[ip + 1]); ip += 2; break;
		case LOAD: *top++ = variables[code[ip++]]; break;
		case STORE: variables[code[ip++]] = *--top; break;
		case PLUS: top--; top[-1] += *top; break;
		case MINUS: top--; top[-1] -= *top; break;
		case TIMES: top--; top[-1] = (uint16_t)((uint32_t)top[-1] * *top); break;
		case HALF: top[-1] >>= 1; break;
		case ODD: top[-1] &= 1; break;
		case EQUAL: top--; top[-1] = top[-1] == *top; break;
		case JUMP: ip = (uint16_t)(code[ip] << 8 | code[ip + 1]); break;
		case JUMP_IF:
			word = (uint16_t)(code[ip] << 8 | code[ip + 1]);
			ip = *--top ? word : ip + 2;
			break;
		case PRINT: printf("%u", *--top); break;
		case COPY: *top = top[-1]; top++; break;
		case DROP: top--; break;
		case INCREMENT: variables[code[ip++]]++; break;
		}
	}
}

int main(void)
{
	guest[ROUNDS_OPERAND] = rounds;
	printf("bytecode ");
	run(guest);
	printf("\n");
	return 0;
}
