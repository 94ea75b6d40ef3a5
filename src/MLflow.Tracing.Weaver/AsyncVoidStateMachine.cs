using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace MLflow.Tracing.Weaver;

/// <summary>
/// What the compiler makes of an <c>async void</c> method. It has no task to follow, so the span goes along in the state machine and ends where that
/// tells its builder the end.
/// </summary>
internal sealed class AsyncVoidStateMachine
{
    private const string Builder = "System.Runtime.CompilerServices.AsyncVoidMethodBuilder";

    private readonly MethodDefinition _method;
    private readonly TypeDefinition _machine;
    private readonly Instruction _start;
    private readonly VariableDefinition _local;

    private AsyncVoidStateMachine(MethodDefinition method, TypeDefinition machine, Instruction start, VariableDefinition local)
    {
        _method = method;
        _machine = machine;
        _start = start;
        _local = local;
    }

    /// <summary>Null for any other method.</summary>
    public static AsyncVoidStateMachine? Of(MethodDefinition method)
    {
        var start = method.Body.Instructions.FirstOrDefault(i => i.OpCode == OpCodes.Call && IsBuilders(i, "Start"));
        if (start is null || ((GenericInstanceMethod)start.Operand).GenericArguments[0].GetElementType() is not TypeDefinition machine)
        {
            return null;
        }

        var local = method.Body.Variables.FirstOrDefault(v => v.VariableType.GetElementType() == machine);
        return local is null ? null : new AsyncVoidStateMachine(method, machine, start, local);
    }

    public void Weave(TracedRuntime runtime, VariableDefinition span)
    {
        var field = new FieldDefinition("<>mlflow_span", FieldAttributes.Public, runtime.Span);
        _machine.Fields.Add(field);
        var il = _method.Body.GetILProcessor();
        il.InsertBefore(_start, il.Create(_local.VariableType.IsValueType ? OpCodes.Ldloca : OpCodes.Ldloc, _local));
        il.InsertBefore(_start, il.Create(OpCodes.Ldloc, span));
        il.InsertBefore(_start, il.Create(OpCodes.Stfld, new FieldReference(field.Name, field.FieldType, _local.VariableType)));
        WeaveEnds(runtime, field);
    }

    private void WeaveEnds(TracedRuntime runtime, FieldDefinition field)
    {
        var moveNext = _machine.Methods.Single(m => m.Name == "MoveNext");
        var own = new FieldReference(field.Name, field.FieldType, Own(_machine));
        var il = moveNext.Body.GetILProcessor();
        moveNext.Body.SimplifyMacros();
        foreach (var call in moveNext.Body.Instructions.Where(i => i.OpCode == OpCodes.Call).ToArray())
        {
            // Before the builder hears of it, since after that the program may go on.
            List<Instruction> added = IsBuilders(call, "SetException")
                ? [il.Create(OpCodes.Dup), il.Create(OpCodes.Ldarg, moveNext.Body.ThisParameter), il.Create(OpCodes.Ldfld, own), il.Create(OpCodes.Call, runtime.FailWork)]
                : IsBuilders(call, "SetResult")
                    ? [il.Create(OpCodes.Ldarg, moveNext.Body.ThisParameter), il.Create(OpCodes.Ldfld, own), il.Create(OpCodes.Call, runtime.EndWork)]
                    : [];
            foreach (var instruction in added)
            {
                il.InsertBefore(call, instruction);
            }
        }

        moveNext.Body.OptimizeMacros();
    }

    private static bool IsBuilders(Instruction call, string name) =>
        call.Operand is MethodReference method && method.Name == name && method.DeclaringType.FullName == Builder;

    private static TypeReference Own(TypeDefinition type)
    {
        if (!type.HasGenericParameters)
        {
            return type;
        }

        var own = new GenericInstanceType(type);
        foreach (var parameter in type.GenericParameters)
        {
            own.GenericArguments.Add(parameter);
        }

        return own;
    }
}
