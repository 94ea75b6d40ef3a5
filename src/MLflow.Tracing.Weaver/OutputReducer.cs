using Mono.Cecil;
using Mono.Cecil.Cil;

namespace MLflow.Tracing.Weaver;

/// <summary>The method that makes one output of the elements of an iterator.</summary>
internal static class OutputReducer
{
    private static readonly HashSet<string> Lists =
    [
        "System.Collections.Generic.IEnumerable`1", "System.Collections.Generic.IReadOnlyCollection`1", "System.Collections.Generic.IReadOnlyList`1",
        "System.Collections.Generic.IList`1", "System.Collections.Generic.ICollection`1", "System.Collections.Generic.List`1",
    ];

    /// <summary>The method of that name which takes a list of the elements, in the type of the iterator or around it. Null: there is none.</summary>
    public static MethodDefinition? Find(MethodDefinition iterator, string name)
    {
        if (TypeFacts.Bare(iterator.ReturnType) is not GenericInstanceType { GenericArguments.Count: 1 } sequence)
        {
            return null;
        }

        // A local function may stand in a class that the compiler made for it. From there, a generic type around it is another instance.
        for (var type = iterator.DeclaringType; type is not null && (type == iterator.DeclaringType || !type.HasGenericParameters); type = type.DeclaringType)
        {
            if (type.Methods.FirstOrDefault(method => TraceOptions.NameOf(method) == name && Takes(method, sequence.GenericArguments[0])) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Code that sets it on the sequence in <paramref name="result"/>.</summary>
    public static IEnumerable<Instruction> Set(ILProcessor il, TracedRuntime runtime, MethodDefinition reducer, VariableDefinition result)
    {
        var (elements, output) = (reducer.Parameters[0].ParameterType, TypeFacts.Bare(reducer.ReturnType));
        yield return il.Create(OpCodes.Ldloc, result);
        yield return il.Create(OpCodes.Ldnull);
        yield return il.Create(OpCodes.Ldftn, OfItself(reducer));
        yield return il.Create(OpCodes.Newobj, TracedRuntime.Constructor(runtime.NewReducer, elements, output));
        yield return il.Create(OpCodes.Call, TracedRuntime.Instance(runtime.Reduce, elements, output));
    }

    private static bool Takes(MethodDefinition method, TypeReference element) =>
        method is { IsStatic: true, HasGenericParameters: false, Parameters.Count: 1 }
        && !TypeFacts.IsVoid(method.ReturnType)
        && !TypeFacts.CannotBox(TypeFacts.Bare(method.ReturnType))
        && method.Parameters[0].ParameterType is GenericInstanceType list
        && Lists.Contains(list.GetElementType().FullName)
        && list.GenericArguments[0].FullName == element.FullName;

    private static MethodReference OfItself(MethodDefinition method)
    {
        if (!method.DeclaringType.HasGenericParameters)
        {
            return method;
        }

        var type = new GenericInstanceType(method.DeclaringType);
        foreach (var parameter in method.DeclaringType.GenericParameters)
        {
            type.GenericArguments.Add(parameter);
        }

        var own = new MethodReference(method.Name, method.ReturnType, type);
        own.Parameters.Add(new ParameterDefinition(method.Parameters[0].ParameterType));
        return own;
    }
}
