	.file	"<stdin>"
	.text
	.p2align 4
	.globl	work
	.def	work;	.scl	2;	.type	32;	.endef
	.seh_proc	work
work:
	.seh_endprologue
	testl	%edx, %edx
	jle	.L2
	movslq	%edx, %r9
	xorl	%eax, %eax
	.p2align 4,,10
	.p2align 3
.L3:
	leaq	(%rcx,%rax), %r8
	movb	%al, (%r8)
	addq	$1, %rax
	cmpq	%r9, %rax
	jne	.L3
.L2:
	movl	%edx, %eax
	shrl	$31, %eax
	addl	%edx, %eax
	sarl	%eax
	cltq
	addq	%rax, %rcx
	movsbl	(%rcx), %eax
	ret
	.seh_endproc
	.p2align 4
	.globl	large
	.def	large;	.scl	2;	.type	32;	.endef
	.seh_proc	large
large:
	movl	$9048, %eax
	call	___chkstk_ms
	subq	%rax, %rsp
	.seh_stackalloc	9048
	.seh_endprologue
	movl	%ecx, %edx
	leaq	32(%rsp), %rcx
	call	work
	addq	$9048, %rsp
	ret
	.seh_endproc
	.p2align 4
	.globl	medium
	.def	medium;	.scl	2;	.type	32;	.endef
	.seh_proc	medium
medium:
	subq	$952, %rsp
	.seh_stackalloc	952
	.seh_endprologue
	movl	%ecx, %edx
	leaq	32(%rsp), %rcx
	call	work
	movl	%edx, %ecx
	movl	%eax, %r10d
	call	large
	addl	%r10d, %eax
	addq	$952, %rsp
	ret
	.seh_endproc
	.p2align 4
	.globl	dynamic
	.def	dynamic;	.scl	2;	.type	32;	.endef
	.seh_proc	dynamic
dynamic:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$32, %rsp
	.seh_stackalloc	32
	.seh_endprologue
	movslq	%ecx, %rax
	movq	%rax, %rdx
	addq	$15, %rax
	andq	$-16, %rax
	call	___chkstk_ms
	subq	%rax, %rsp
	leaq	32(%rsp), %rcx
	call	work
	movq	%rbp, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.p2align 4
	.globl	variadic
	.def	variadic;	.scl	2;	.type	32;	.endef
	.seh_proc	variadic
variadic:
	pushq	%rdi
	.seh_pushreg	%rdi
	pushq	%rsi
	.seh_pushreg	%rsi
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$48, %rsp
	.seh_stackalloc	48
	.seh_endprologue
	leaq	88(%rsp), %r10
	movq	%rdx, 88(%rsp)
	movl	%ecx, %edi
	movq	%r8, 96(%rsp)
	movq	%r9, 104(%rsp)
	movq	%r10, 40(%rsp)
	testl	%ecx, %ecx
	jle	.L12
	xorl	%r11d, %r11d
	xorl	%esi, %esi
	.p2align 4,,10
	.p2align 3
.L11:
	addq	$8, %r10
	movl	%r11d, %ecx
	movl	-8(%r10), %ebx
	addl	$1, %r11d
	movq	%r10, 40(%rsp)
	call	large
	addl	%eax, %ebx
	addl	%ebx, %esi
	cmpl	%r11d, %edi
	jne	.L11
	movl	%esi, %eax
	addq	$48, %rsp
	popq	%rbx
	popq	%rsi
	popq	%rdi
	ret
	.p2align 4,,10
	.p2align 3
.L12:
	xorl	%esi, %esi
	movl	%esi, %eax
	addq	$48, %rsp
	popq	%rbx
	popq	%rsi
	popq	%rdi
	ret
	.seh_endproc
	.p2align 4
	.globl	floating
	.def	floating;	.scl	2;	.type	32;	.endef
	.seh_proc	floating
floating:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	80(%rsp), %r11d
	testl	%r11d, %r11d
	jle	.L17
	mulsd	%xmm2, %xmm1
	addl	$5, %r11d
	movl	$5, %r10d
	pxor	%xmm5, %xmm5
	.p2align 4,,10
	.p2align 3
.L16:
	movl	%r10d, %ecx
	pxor	%xmm4, %xmm4
	addl	$1, %r10d
	call	dynamic
	cvtsi2sdl	%eax, %xmm4
	mulsd	%xmm0, %xmm4
	addsd	%xmm1, %xmm4
	subsd	%xmm3, %xmm4
	addsd	%xmm4, %xmm5
	cmpl	%r11d, %r10d
	jne	.L16
	addsd	%xmm5, %xmm0
	addq	$40, %rsp
	ret
	.p2align 4,,10
	.p2align 3
.L17:
	pxor	%xmm5, %xmm5
	addsd	%xmm5, %xmm0
	addq	$40, %rsp
	ret
	.seh_endproc
	.p2align 4
	.globl	crowded
	.def	crowded;	.scl	2;	.type	32;	.endef
	.seh_proc	crowded
crowded:
	pushq	%r15
	.seh_pushreg	%r15
	pushq	%r14
	.seh_pushreg	%r14
	pushq	%r13
	.seh_pushreg	%r13
	pushq	%r12
	.seh_pushreg	%r12
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rdi
	.seh_pushreg	%rdi
	pushq	%rsi
	.seh_pushreg	%rsi
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	144(%rsp), %r14d
	movl	160(%rsp), %r12d
	movl	%r9d, 136(%rsp)
	movl	%ecx, %ebx
	movl	%edx, %ebp
	movl	%r8d, %edi
	testl	%ecx, %ecx
	jle	.L22
	movl	%ecx, %r11d
	xorl	%esi, %esi
	xorl	%r13d, %r13d
	xorl	%r10d, %r10d
	imull	%edx, %r11d
	imull	%r8d, %r11d
	imull	%r9d, %r11d
	imull	%r14d, %r11d
	imull	152(%rsp), %r11d
	imull	%r12d, %r11d
	.p2align 4,,10
	.p2align 3
.L21:
	movl	%ebp, %ecx
	addl	$1, %r13d
	call	large
	movl	136(%rsp), %ecx
	imull	%edi, %eax
	movl	%eax, %r15d
	call	large
	movl	152(%rsp), %ecx
	imull	%r14d, %eax
	addl	%eax, %r15d
	call	large
	imull	%r12d, %eax
	addl	%r15d, %eax
	addl	%esi, %eax
	addl	%r11d, %esi
	addl	%eax, %r10d
	cmpl	%r13d, %ebx
	jne	.L21
.L19:
	movl	%r10d, %eax
	addq	$40, %rsp
	popq	%rbx
	popq	%rsi
	popq	%rdi
	popq	%rbp
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	ret
	.p2align 4,,10
	.p2align 3
.L22:
	xorl	%r10d, %r10d
	jmp	.L19
	.seh_endproc
	.p2align 4
	.globl	two
	.def	two;	.scl	2;	.type	32;	.endef
	.seh_proc	two
two:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, 48(%rsp)
	movl	%ecx, %edx
	leaq	48(%rsp), %rcx
	call	work
	addl	48(%rsp), %eax
	addq	$40, %rsp
	ret
	.seh_endproc
	.p2align 4
	.globl	three
	.def	three;	.scl	2;	.type	32;	.endef
	.seh_proc	three
three:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, 48(%rsp)
	movl	%edx, 56(%rsp)
	movl	%ecx, %edx
	leaq	48(%rsp), %rcx
	call	work
	movl	56(%rsp), %edx
	leaq	56(%rsp), %rcx
	movl	%eax, %r10d
	call	work
	imull	48(%rsp), %eax
	addl	%r10d, %eax
	addl	56(%rsp), %eax
	addq	$40, %rsp
	ret
	.seh_endproc
	.p2align 4
	.globl	five
	.def	five;	.scl	2;	.type	32;	.endef
	.seh_proc	five
five:
	pushq	%rdi
	.seh_pushreg	%rdi
	pushq	%rsi
	.seh_pushreg	%rsi
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$32, %rsp
	.seh_stackalloc	32
	.seh_endprologue
	movl	%edx, %esi
	movl	%r8d, %ebx
	movl	%r9d, %r11d
	movl	%ecx, %r10d
	call	large
	movl	%esi, %ecx
	movl	%eax, %edi
	call	large
	movl	%ebx, %ecx
	imull	%r10d, %eax
	leal	(%rax,%rdi), %r10d
	call	large
	movl	%r11d, %ecx
	imull	%esi, %eax
	addl	%eax, %r10d
	call	large
	imull	%ebx, %eax
	addl	%r10d, %eax
	addl	%r11d, %eax
	addq	$32, %rsp
	popq	%rbx
	popq	%rsi
	popq	%rdi
	ret
	.seh_endproc
	.p2align 4
	.globl	early
	.def	early;	.scl	2;	.type	32;	.endef
	.seh_proc	early
early:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	$1, %eax
	movl	%ecx, %r10d
	testl	%ecx, %ecx
	js	.L27
	call	large
	leal	1(%r10), %ecx
	movl	%eax, %r11d
	call	large
	addl	%r11d, %eax
.L27:
	addq	$40, %rsp
	ret
	.seh_endproc
	.p2align 4
	.globl	tail
	.def	tail;	.scl	2;	.type	32;	.endef
	.seh_proc	tail
tail:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, %r10d
	cmpl	$3, %ecx
	jg	.L34
	movl	$1, %eax
	testl	%ecx, %ecx
	js	.L30
	call	large
	leal	1(%r10), %ecx
	movl	%eax, %r11d
	call	large
	addl	%r11d, %eax
.L30:
	addq	$40, %rsp
	ret
	.p2align 4,,10
	.p2align 3
.L34:
	call	large
	movl	%eax, %ecx
	addq	$40, %rsp
	jmp	dynamic
	.seh_endproc
	.section	.text.unlikely,"x"
	.globl	fail
	.def	fail;	.scl	2;	.type	32;	.endef
	.seh_proc	fail
fail:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, 48(%rsp)
.L36:
	movl	48(%rsp), %edx
	leaq	48(%rsp), %rcx
	call	work
	jmp	.L36
	.seh_endproc
	.text
	.p2align 4
	.globl	risky
	.def	risky;	.scl	2;	.type	32;	.endef
	.seh_proc	risky
risky:
	subq	$344, %rsp
	.seh_stackalloc	344
	.seh_endprologue
	leaq	32(%rsp), %r10
	movl	%ecx, %r11d
	movl	%ecx, %edx
	movq	%r10, %rcx
	call	work
	movl	%r11d, %ecx
	cmpl	$-100, %eax
	jl	.L39
	call	medium
	addl	%r11d, %eax
	addq	$344, %rsp
	ret
.L39:
	call	large
	movq	%r10, %rcx
	movl	%eax, %edx
	call	work
	movl	%r11d, %ecx
	call	fail
	nop
	.seh_endproc
	.p2align 4
	.globl	start
	.def	start;	.scl	2;	.type	32;	.endef
	.seh_proc	start
start:
	pushq	%rsi
	.seh_pushreg	%rsi
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$88, %rsp
	.seh_stackalloc	88
	.seh_endprologue
	movl	$4, %r9d
	movl	$2, %edx
	movl	$1, %ecx
	movl	$3, %r8d
	movl	$7, 48(%rsp)
	leaq	76(%rsp), %rsi
	movl	$6, 40(%rsp)
	movl	$5, 32(%rsp)
	call	crowded
	movl	$7, %r8d
	movl	$3, %edx
	movl	$2, %ecx
	movl	%eax, %ebx
	call	variadic
	movl	$2, %ecx
	leal	(%rbx,%rax), %r10d
	call	large
	movl	$3, %ecx
	movl	%eax, %ebx
	call	large
	movl	$6, 32(%rsp)
	movsd	.LC1(%rip), %xmm3
	movsd	.LC2(%rip), %xmm2
	movsd	.LC3(%rip), %xmm1
	addl	%eax, %ebx
	movsd	.LC4(%rip), %xmm0
	addl	%r10d, %ebx
	call	floating
	movl	$3, %ecx
	call	medium
	cvttsd2sil	%xmm0, %r11d
	leaq	72(%rsp), %rcx
	movl	$1, %edx
	movl	$1, 72(%rsp)
	movl	$2, 76(%rsp)
	addl	%ebx, %r11d
	addl	%eax, %r11d
	call	work
	movl	$2, %edx
	movq	%rsi, %rcx
	movl	%eax, %r10d
	call	work
	imull	72(%rsp), %eax
	movl	$1, %ecx
	addl	%r10d, %eax
	addl	76(%rsp), %eax
	addl	%eax, %r11d
	call	large
	movl	$2, %ecx
	movl	%eax, %r10d
	call	large
	movl	$3, %ecx
	addl	%eax, %r10d
	call	large
	movl	$4, %ecx
	leal	(%r10,%rax,2), %r10d
	call	large
	movl	$3, %edx
	movq	%rsi, %rcx
	movl	$3, 76(%rsp)
	leal	(%rax,%rax,2), %eax
	leal	4(%r10,%rax), %ebx
	call	work
	addl	%r11d, %ebx
	addl	76(%rsp), %eax
	movl	$5, %ecx
	addl	%eax, %ebx
	call	risky
	addl	%ebx, %eax
	addq	$88, %rsp
	popq	%rbx
	popq	%rsi
	ret
	.seh_endproc
	.globl	_fltused
	.bss
	.align 4
_fltused:
	.space 4
	.section .rdata,"dr"
	.align 8
.LC1:
	.long	0
	.long	1075052544
	.align 8
.LC2:
	.long	0
	.long	1074266112
	.align 8
.LC3:
	.long	0
	.long	1073741824
	.align 8
.LC4:
	.long	0
	.long	1074790400
