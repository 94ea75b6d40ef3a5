namespace MLflow;

/// <summary>A span attribute's value: a scalar, or JSON text that was made when the value was set.</summary>
internal readonly struct AttributeValue
{
    private readonly object? _reference;
    private readonly long _bits;

    private AttributeValue(AttributeValueKind kind, long bits, object? reference)
    {
        Kind = kind;
        _bits = bits;
        _reference = reference;
    }

    public AttributeValueKind Kind { get; }

    public bool Boolean => _bits != 0;

    public long Int64 => _bits;

    public double Double => BitConverter.Int64BitsToDouble(_bits);

    public string String => (string)_reference!;

    /// <summary>UTF-8 JSON text.</summary>
    public ReadOnlySpan<byte> Json => (byte[])_reference!;

    /// <summary>Upper bound of the memory that the value keeps alive, in bytes.</summary>
    public int Size => _reference switch
    {
        byte[] json => json.Length,
        string text => text.Length * 2,
        _ => 0,
    };

    public static AttributeValue FromBoolean(bool value) => new(AttributeValueKind.Boolean, value ? 1 : 0, null);

    public static AttributeValue FromInt64(long value) => new(AttributeValueKind.Int64, value, null);

    public static AttributeValue FromDouble(double value) => new(AttributeValueKind.Double, BitConverter.DoubleToInt64Bits(value), null);

    public static AttributeValue FromString(string value) => new(AttributeValueKind.String, 0, value);

    /// <summary>The array is kept, not copied.</summary>
    public static AttributeValue FromJson(byte[] utf8Json) => new(AttributeValueKind.Json, 0, utf8Json);
}
