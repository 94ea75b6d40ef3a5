using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace MLflow.Tracing.Weaver;

/// <summary>
/// Rewrites one method in its place: it stays the same method with the same attributes and the same lines, so whoever calls it calls what is traced.
/// </summary>
/// <remarks>
/// <code>
/// LiveSpan? span = null;
/// if (TracedCall.IsOn) { span = TracedCall.Begin(method, new object[] { arguments }); }
/// try { body; where it returned: result = …; goto end; } filter { TracedCall.Fail(exception, span) } fault { TracedCall.Abort(span); }
/// end: if (span != null) { TracedCall.End(result, span, method); }
/// return result;
/// </code>
/// </remarks>
internal sealed class MethodWeaver
{
    private readonly MethodDefinition _method;
    private readonly TraceOptions _options;
    private readonly TracedRuntime _runtime;
    private readonly TracedMethodTable _table;
    private readonly ModuleDefinition _module;
    private readonly ILProcessor _il;
    private readonly TypeReference _resultType;
    private readonly VariableDefinition _span;
    private readonly VariableDefinition? _result;
    private FieldReference _traced = null!;

    public MethodWeaver(MethodDefinition method, TraceOptions options, TracedRuntime runtime, TracedMethodTable table)
    {
        _method = method;
        _options = options;
        _runtime = runtime;
        _table = table;
        _module = method.Module;
        _il = method.Body.GetILProcessor();
        _resultType = TypeFacts.Bare(method.ReturnType);
        _span = new VariableDefinition(runtime.Span);
        _result = TypeFacts.IsVoid(_resultType) ? null : new VariableDefinition(_resultType);
    }

    private bool IsIterator => IsIteratorMethod(_method);

    /// <summary>Whether the span of such a method has elements of which an output could be made.</summary>
    public static bool HasElements(MethodDefinition method, TraceOptions options, TracedRuntime runtime)
    {
        var type = TypeFacts.Bare(method.ReturnType);
        return options.CapturesOutput
            && ((IsIteratorMethod(method) && runtime.Overload("Iterate", type) is not null)
                || (runtime.Overload("EndTask", type) is null && runtime.Overload("EndSequence", type) is not null));
    }

    private static bool IsIteratorMethod(MethodDefinition method) =>
        TraceOptions.Has(method, "System.Runtime.CompilerServices.IteratorStateMachineAttribute") || TraceOptions.Has(method, "System.Runtime.CompilerServices.AsyncIteratorStateMachineAttribute");

    public void Weave()
    {
        _method.Body.SimplifyMacros();
        if (!_method.Body.HasVariables)
        {
            // Where there are some, the compiler has decided, by [SkipLocalsInit] for example.
            _method.Body.InitLocals = true;
        }

        if (_result is not null)
        {
            _method.Body.Variables.Add(_result);
        }

        if (IsIterator && _runtime.Overload("Iterate", _resultType) is { } iterate)
        {
            WeaveIterator(iterate);
        }
        else
        {
            WeaveCall();
        }

        _method.Body.OptimizeMacros();
    }

    /// <summary>The method only makes the iterator; the call is what its enumeration does.</summary>
    private void WeaveIterator(MethodReference iterate)
    {
        _traced = _table.Add(_options, null);
        var end = _il.Create(OpCodes.Call, _runtime.IsOn);
        ReplaceReturns(OpCodes.Br, end);
        var ret = _il.Create(OpCodes.Ldloc, _result);
        Append(end);
        Append(_il.Create(OpCodes.Brfalse, ret));
        Append(_il.Create(OpCodes.Ldloc, _result));
        Append(_il.Create(OpCodes.Ldsfld, _traced));
        AppendArguments();
        Append(_il.Create(OpCodes.Call, iterate));
        Append(_il.Create(OpCodes.Stloc, _result));
        AppendReducer();
        Append(ret);
        Append(_il.Create(OpCodes.Ret));
        HideFrom(end);
    }

    private void WeaveCall()
    {
        var outputs = OutputNames();
        _traced = _table.Add(_options, outputs);
        var body = _method.Body;
        body.Variables.Add(_span);
        var first = body.Instructions[0];
        var end = _il.Create(OpCodes.Ldloc, _span);
        var asyncVoid = AsyncVoidStateMachine.Of(_method);
        asyncVoid?.Weave(_runtime, _span);
        ReplaceReturns(OpCodes.Leave, end);

        var filter = _il.Create(OpCodes.Ldloc, _span);
        var handler = _il.Create(OpCodes.Pop);
        var fault = _il.Create(OpCodes.Ldloc, _span);
        foreach (var existing in body.ExceptionHandlers)
        {
            existing.TryEnd ??= filter;
            existing.HandlerEnd ??= filter;
        }

        Append(filter);
        Append(_il.Create(OpCodes.Call, _runtime.Fail));
        Append(_il.Create(OpCodes.Endfilter));
        Append(handler);
        Append(_il.Create(OpCodes.Rethrow));
        Append(fault);
        Append(_il.Create(OpCodes.Call, _runtime.Abort));
        Append(_il.Create(OpCodes.Endfinally));
        AppendEnd(end, outputs, asyncVoid is not null);
        body.ExceptionHandlers.Add(new ExceptionHandler(ExceptionHandlerType.Filter) { TryStart = first, TryEnd = filter, FilterStart = filter, HandlerStart = handler, HandlerEnd = fault });
        body.ExceptionHandlers.Add(new ExceptionHandler(ExceptionHandlerType.Fault) { TryStart = first, TryEnd = fault, HandlerStart = fault, HandlerEnd = end });
        HideFrom(filter);

        var prologue = PrependBegin(first);
        Hide(prologue);
    }

    private Instruction PrependBegin(Instruction first)
    {
        var start = _il.Create(OpCodes.Ldnull);
        List<Instruction> begin =
        [
            start,
            _il.Create(OpCodes.Stloc, _span),
            _il.Create(OpCodes.Call, _runtime.IsOn),
            _il.Create(OpCodes.Brfalse, first),
            _il.Create(OpCodes.Ldsfld, _traced),
            .. Arguments(),
            _il.Create(OpCodes.Call, _runtime.Begin),
            _il.Create(OpCodes.Stloc, _span),
        ];
        foreach (var instruction in begin)
        {
            _il.InsertBefore(first, instruction);
        }

        return start;
    }

    private void AppendEnd(Instruction end, List<string>? outputs, bool isAsyncVoid)
    {
        var ret = _result is null ? _il.Create(OpCodes.Ret) : _il.Create(OpCodes.Ldloc, _result);
        Append(end);
        Append(_il.Create(OpCodes.Brfalse, ret));
        if (outputs is not null)
        {
            AppendOutputs();
        }
        else if (_result is null || IsUnrecorded())
        {
            Append(_il.Create(OpCodes.Ldloc, _span));
            Append(_il.Create(OpCodes.Call, isAsyncVoid ? _runtime.Leave : _runtime.EndPlain));
        }
        else if (_runtime.Overload("EndTask", _resultType) is { } endTask)
        {
            AppendReplacement(endTask);
        }
        else if (_runtime.Overload("EndSequence", _resultType) is { } endSequence)
        {
            AppendReplacement(endSequence);
            AppendReducer();
        }
        else
        {
            AppendResult();
        }

        Append(ret);
        if (_result is not null)
        {
            Append(_il.Create(OpCodes.Ret));
        }
    }

    private bool IsUnrecorded() =>
        !_options.CapturesOutput && _runtime.Overload("EndTask", _resultType) is null && _runtime.Overload("EndSequence", _resultType) is null;

    private void AppendReplacement(MethodReference end)
    {
        Append(_il.Create(OpCodes.Ldloc, _result));
        Append(_il.Create(OpCodes.Ldloc, _span));
        Append(_il.Create(OpCodes.Ldsfld, _traced));
        Append(_il.Create(OpCodes.Call, end));
        Append(_il.Create(OpCodes.Stloc, _result));
    }

    private void AppendReducer()
    {
        if (_options.OutputReducer is not null && OutputReducer.Find(_method, _options.OutputReducer) is { } reducer)
        {
            foreach (var instruction in OutputReducer.Set(_il, _runtime, reducer, _result!))
            {
                Append(instruction);
            }
        }
    }

    private void AppendResult()
    {
        var type = _resultType is ByReferenceType reference ? reference.ElementType : _resultType;
        var isText = TypeFacts.CannotBox(type);
        foreach (var instruction in Loaded(_il.Create(OpCodes.Ldloc, _result), _resultType, box: false))
        {
            Append(instruction);
        }

        Append(_il.Create(OpCodes.Ldloc, _span));
        Append(_il.Create(OpCodes.Ldsfld, _traced));
        Append(_il.Create(OpCodes.Call, TracedRuntime.Instance(_runtime.EndResult, isText ? _module.TypeSystem.String : type)));
    }

    /// <summary>The result, where there is one, and the parameters by which the method gives values.</summary>
    private void AppendOutputs()
    {
        var values = new List<IEnumerable<Instruction>>();
        if (_result is not null)
        {
            values.Add(Loaded(_il.Create(OpCodes.Ldloc, _result), _resultType, box: true));
        }

        values.AddRange(_options.Outputs.Select(p => Loaded(_il.Create(OpCodes.Ldarg, p), TypeFacts.Bare(p.ParameterType), box: true)));
        foreach (var instruction in Array(values))
        {
            Append(instruction);
        }

        Append(_il.Create(OpCodes.Ldloc, _span));
        Append(_il.Create(OpCodes.Ldsfld, _traced));
        Append(_il.Create(OpCodes.Call, _runtime.EndWithOutputs));
    }

    private List<string>? OutputNames() =>
        !_options.CapturesOutput || _options.Outputs.Count == 0 || IsIterator ? null
            : [.. _result is null ? [] : new[] { "return" }, .. _options.Outputs.Select(p => p.Name)];

    private void AppendArguments()
    {
        foreach (var instruction in Arguments())
        {
            Append(instruction);
        }
    }

    private IEnumerable<Instruction> Arguments() =>
        _options.Inputs is null
            ? [_il.Create(OpCodes.Ldnull)]
            : Array([.. _options.Inputs.Select(p => Loaded(_il.Create(OpCodes.Ldarg, p), TypeFacts.Bare(p.ParameterType), box: true))]);

    private IEnumerable<Instruction> Array(List<IEnumerable<Instruction>> values)
    {
        yield return _il.Create(OpCodes.Ldc_I4, values.Count);
        yield return _il.Create(OpCodes.Newarr, _module.TypeSystem.Object);
        for (var i = 0; i < values.Count; i++)
        {
            yield return _il.Create(OpCodes.Dup);
            yield return _il.Create(OpCodes.Ldc_I4, i);
            foreach (var instruction in values[i])
            {
                yield return instruction;
            }

            yield return _il.Create(OpCodes.Stelem_Ref);
        }
    }

    /// <summary>Puts a value on the stack, or a text about one that cannot leave the stack.</summary>
    private IEnumerable<Instruction> Loaded(Instruction load, TypeReference type, bool box)
    {
        var valueType = type is ByReferenceType reference ? TypeFacts.Bare(reference.ElementType) : type;
        var describe = TypeFacts.IsSpan(valueType) ? _runtime.Overload("Describe", valueType) : null;
        if (describe is null && TypeFacts.CannotBox(valueType))
        {
            yield return _il.Create(OpCodes.Ldstr, $"<{valueType.Name}>");
            yield break;
        }

        yield return load;
        if (type is ByReferenceType)
        {
            yield return _il.Create(OpCodes.Ldobj, valueType);
        }

        if (describe is not null)
        {
            yield return _il.Create(OpCodes.Call, describe);
        }
        else if (box && TypeFacts.NeedsBox(valueType))
        {
            yield return _il.Create(OpCodes.Box, valueType);
        }
    }

    private void ReplaceReturns(OpCode jump, Instruction target)
    {
        foreach (var instruction in _method.Body.Instructions.ToArray())
        {
            if (instruction.OpCode == OpCodes.Tail)
            {
                // F# writes it; there is work to do after the call now.
                instruction.OpCode = OpCodes.Nop;
            }
            else if (instruction.OpCode == OpCodes.Ret)
            {
                // The same object, so that branches and lines that point to it still do.
                if (_result is null)
                {
                    (instruction.OpCode, instruction.Operand) = (jump, target);
                }
                else
                {
                    (instruction.OpCode, instruction.Operand) = (OpCodes.Stloc, _result);
                    _il.InsertAfter(instruction, _il.Create(jump, target));
                }
            }
        }
    }

    private void Append(Instruction instruction) => _il.Append(instruction);

    /// <summary>A debugger does not stop in what was added.</summary>
    private void Hide(Instruction instruction)
    {
        if (_method.DebugInformation.HasSequencePoints)
        {
            _method.DebugInformation.SequencePoints.Insert(0, Hidden(instruction));
        }
    }

    private void HideFrom(Instruction instruction)
    {
        if (_method.DebugInformation.HasSequencePoints)
        {
            _method.DebugInformation.SequencePoints.Add(Hidden(instruction));
        }
    }

    private SequencePoint Hidden(Instruction instruction) =>
        new(instruction, _method.DebugInformation.SequencePoints[0].Document) { StartLine = 0xfeefee, EndLine = 0xfeefee };
}
