using Mono.Cecil;

namespace MLflow.Tracing.Weaver;

/// <summary>What has to be known of a type before a value of it is handed on.</summary>
internal static class TypeFacts
{
    // CorGenericParamAttr.gpAllowByRefLike of .NET 9.
    private const GenericParameterAttributes AllowsByRefLike = (GenericParameterAttributes)0x20;

    /// <summary>The type without C#'s notes on it, such as <c>modreq(In)</c>.</summary>
    public static TypeReference Bare(TypeReference type) => type is IModifierType modified ? Bare(modified.ElementType) : type;

    /// <summary>True for the type of that name, whatever its type arguments; false for arrays, pointers and references of it.</summary>
    public static bool Is(TypeReference type, string fullName) => type.GetElementType().FullName == fullName && type is not ArrayType and not PointerType and not ByReferenceType;

    public static bool IsSpan(TypeReference type) => Is(type, "System.Span`1") || Is(type, "System.ReadOnlySpan`1");

    public static bool IsVoid(TypeReference type) => type.MetadataType == MetadataType.Void;

    public static bool NeedsBox(TypeReference type) => type.IsValueType || type is GenericParameter;

    /// <summary>True when a value of the type cannot become an object.</summary>
    public static bool CannotBox(TypeReference type)
    {
        switch (type)
        {
            case PointerType or FunctionPointerType or ByReferenceType:
                return true;
            case GenericParameter parameter:
                return (parameter.Attributes & AllowsByRefLike) != 0;
            case ArrayType:
                return false;
        }

        if (!type.IsValueType)
        {
            return type.MetadataType == MetadataType.TypedByReference;
        }

        if (type.IsPrimitive)
        {
            return false;
        }

        try
        {
            // One that is not found is treated with care.
            return type.Resolve() is not { } definition || TraceOptions.Has(definition, "System.Runtime.CompilerServices.IsByRefLikeAttribute");
        }
        catch (AssemblyResolutionException)
        {
            return true;
        }
    }
}
