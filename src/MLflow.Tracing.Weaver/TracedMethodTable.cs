using Mono.Cecil;
using Mono.Cecil.Cil;

namespace MLflow.Tracing.Weaver;

/// <summary>
/// The type that a woven assembly gets: a field for each traced method with what is known of it at build time. It is also the mark that the assembly
/// has been woven, so it is there even when it is empty.
/// </summary>
internal sealed class TracedMethodTable
{
    /// <summary>As <c>UnwovenAssemblies.MarkerType</c> of the run-time part.</summary>
    public const string Name = "<MLflow.Tracing>";

    private readonly ModuleDefinition _module;
    private readonly TracedRuntime _runtime;
    private readonly TypeDefinition _type;
    private ILProcessor? _il;

    public TracedMethodTable(ModuleDefinition module, TracedRuntime runtime)
    {
        _module = module;
        _runtime = runtime;
        _type = new TypeDefinition("", Name, TypeAttributes.NotPublic | TypeAttributes.Abstract | TypeAttributes.Sealed | TypeAttributes.BeforeFieldInit, module.TypeSystem.Object);
        module.Types.Add(_type);
    }

    public FieldReference Add(TraceOptions options, IReadOnlyList<string>? outputs)
    {
        var field = new FieldDefinition("m" + _type.Fields.Count, FieldAttributes.Assembly | FieldAttributes.Static | FieldAttributes.InitOnly, _runtime.Method);
        _type.Fields.Add(field);
        var il = _il ??= NewInitializer();
        il.Emit(OpCodes.Ldstr, options.Name);
        il.Emit(OpCodes.Ldstr, options.SpanType);
        il.Emit(OpCodes.Ldstr, options.FunctionName);
        il.Emit(options.CapturesOutput ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        EmitTexts(options.Inputs?.Select(p => p.Name).ToList());
        EmitTexts(outputs);
        EmitAttributes(options.Attributes);
        il.Emit(OpCodes.Newobj, _runtime.NewMethod);
        if (options.SamplingRatio is { } ratio)
        {
            il.Emit(OpCodes.Dup);
            il.Emit(OpCodes.Ldc_R8, ratio);
            il.Emit(OpCodes.Callvirt, _runtime.SetSamplingRatio);
        }

        il.Emit(OpCodes.Stsfld, field);
        return field;
    }

    public void Close() => _il?.Emit(OpCodes.Ret);

    private ILProcessor NewInitializer()
    {
        var initializer = new MethodDefinition(
            ".cctor",
            MethodAttributes.Private | MethodAttributes.Static | MethodAttributes.HideBySig | MethodAttributes.SpecialName | MethodAttributes.RTSpecialName,
            _module.TypeSystem.Void);
        _type.Methods.Add(initializer);
        return initializer.Body.GetILProcessor();
    }

    private void EmitTexts(IReadOnlyList<string>? texts)
    {
        if (texts is null)
        {
            _il!.Emit(OpCodes.Ldnull);
            return;
        }

        EmitArray(_module.TypeSystem.String, texts.Count, i => _il!.Emit(OpCodes.Ldstr, texts[i]));
    }

    private void EmitAttributes(List<CustomAttribute> attributes)
    {
        if (attributes.Count == 0)
        {
            _il!.Emit(OpCodes.Ldnull);
            return;
        }

        EmitArray(_module.TypeSystem.Object, attributes.Count * 2, i =>
        {
            var arguments = attributes[i / 2].ConstructorArguments;
            if (i % 2 == 0)
            {
                _il!.Emit(OpCodes.Ldstr, arguments[0].Value as string ?? "");
            }
            else
            {
                EmitConstant(arguments[1].Value is CustomAttributeArgument boxed ? boxed.Value : arguments[1].Value);
            }
        });
    }

    private void EmitArray(TypeReference element, int length, Action<int> emitItem)
    {
        _il!.Emit(OpCodes.Ldc_I4, length);
        _il.Emit(OpCodes.Newarr, element);
        for (var i = 0; i < length; i++)
        {
            _il.Emit(OpCodes.Dup);
            _il.Emit(OpCodes.Ldc_I4, i);
            emitItem(i);
            _il.Emit(OpCodes.Stelem_Ref);
        }
    }

    private void EmitConstant(object? value)
    {
        var types = _module.TypeSystem;
        switch (value)
        {
            case null:
                _il!.Emit(OpCodes.Ldnull);
                break;
            case bool boolean:
                _il!.Emit(boolean ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
                _il.Emit(OpCodes.Box, types.Boolean);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                _il!.Emit(OpCodes.Ldc_I8, Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                _il.Emit(OpCodes.Box, types.Int64);
                break;
            case float or double:
                _il!.Emit(OpCodes.Ldc_R8, Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture));
                _il.Emit(OpCodes.Box, types.Double);
                break;
            default:
                _il!.Emit(OpCodes.Ldstr, Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "");
                break;
        }
    }
}
