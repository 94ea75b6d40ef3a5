using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Keeps of large images, audio and files in JSON, and of long vectors, only a beginning, and says what was there. Everything else stays byte by byte:
/// what is replaced is cut out of the text.
/// </summary>
internal ref struct MediaTrimmer
{
    /// <summary>Longer texts of base64 are shortened.</summary>
    public const int MaxTextBytes = 32 << 10;

    /// <summary>What is kept of them; a multiple of four, so that it is base64 by itself.</summary>
    public const int KeptTextBytes = 4096;

    /// <summary>Vectors of more numbers are shortened.</summary>
    public const int MaxNumbers = 16;

    /// <summary>What is kept of them.</summary>
    public const int KeptNumbers = 8;

    /// <summary>Fields that hold base64. A data URL is known by itself, wherever it stands.</summary>
    private static readonly HashSet<string> MediaFields =
    [
        "audio", "b64_json", "base64", "bytes", "data", "delta", "embedding", "file", "file_data", "image", "image_b64", "image_base64", "images",
        "partial_image_b64", "result", "video",
    ];

    private static readonly SearchValues<byte> Base64Characters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="u8);

    private readonly ReadOnlySpan<byte> _json;
    private readonly string _root;
    private readonly List<TrimmedMedia>? _trimmed;
    private readonly List<(Range Name, int Index)> _path = [];
    private Utf8JsonReader _reader;
    private ArrayBufferWriter<byte>? _output;
    private int _copied;

    private MediaTrimmer(ReadOnlySpan<byte> json, string root, List<TrimmedMedia>? trimmed, bool isWhole)
    {
        _json = json;
        _root = root;
        _trimmed = trimmed;
        _reader = new Utf8JsonReader(json, isWhole, new JsonReaderState(JsonText.ReaderOptions));
    }

    /// <summary>Shortens what is large in the inputs, outputs and parameters of a call.</summary>
    public static void Trim(RecordedFields fields)
    {
        fields.Inputs = Trim(fields.Inputs, "inputs", fields.Media);
        fields.Outputs = Trim(fields.Outputs, "outputs", fields.Media);
        for (var i = 0; i < fields.Attributes.Count; i++)
        {
            // A parameter is a copy of a part of the inputs, which list it.
            var (name, value) = fields.Attributes[i];
            fields.Attributes[i] = new(name, Trim(value, name, null));
        }
    }

    /// <summary>The JSON, or a copy with less of it.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> json, string root, List<TrimmedMedia>? trimmed, bool isWhole = true) =>
        MayHaveMedia(json) ? new MediaTrimmer(json, root, trimmed, isWhole).Run() : json;

    /// <summary>What was trimmed, as JSON.</summary>
    public static byte[] Describe(List<TrimmedMedia> trimmed)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        json.WriteStartArray();
        foreach (var media in trimmed)
        {
            json.WriteStartObject();
            json.WriteString("path"u8, media.Path);
            if (media.ContentType is not null)
            {
                json.WriteString("content_type"u8, media.ContentType);
            }

            if (media.SizeBytes is { } size)
            {
                json.WriteNumber("size_bytes"u8, size);
            }

            if (media.Sha256 is not null)
            {
                json.WriteString("sha256"u8, media.Sha256);
            }

            if (media.Dimensions is { } dimensions)
            {
                json.WriteNumber("dimensions"u8, dimensions);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static bool MayHaveMedia(ReadOnlySpan<byte> json) => json.Length > MaxTextBytes || MayHaveVectors(json);

    /// <summary>False where there is no vector to be shortened, in JSON or in much that has JSON in it.</summary>
    public static bool MayHaveVectors(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\"embedding\""u8) >= 0;

    private static AttributeValue Trim(AttributeValue value, string root, List<TrimmedMedia>? trimmed)
    {
        switch (value.Kind)
        {
            case AttributeValueKind.Json:
                var json = value.Json;
                var shorter = Trim(json, root, trimmed);
                return shorter == json ? value : AttributeValue.FromJson(shorter.ToArray());

            // A body that was cut is no JSON any more; what came of it is read as far as it goes.
            case AttributeValueKind.String when value.String.Length > MaxTextBytes && value.String[0] is '{' or '[':
                var text = Encoding.UTF8.GetBytes(value.String);
                var kept = Trim(text, root, trimmed, isWhole: false);
                return kept.Length == text.Length ? value : AttributeValue.FromString(Encoding.UTF8.GetString(kept));

            // A parameter of its own.
            case AttributeValueKind.String when value.String.Length > MaxTextBytes && value.String.StartsWith("data:", StringComparison.Ordinal):
                var bytes = Encoding.UTF8.GetBytes(value.String);
                return ReadMedia(bytes, isMediaField: false) is ({ } start, _) ? AttributeValue.FromString(value.String[..(start + KeptTextBytes)]) : value;
            default:
                return value;
        }
    }

    /// <summary>Where the base64 of a value begins and what it holds; null where the value is no base64.</summary>
    private static (int Start, TrimmedMedia Media)? ReadMedia(ReadOnlySpan<byte> value, bool isMediaField)
    {
        var start = 0;
        string? contentType = null;
        if (value.StartsWith("data:"u8))
        {
            var comma = value[..Math.Min(value.Length, 512)].IndexOf((byte)',');
            if (comma < 0 || !value[..comma].EndsWith(";base64"u8))
            {
                return null;
            }

            start = comma + 1;
            var header = Encoding.UTF8.GetString(value[5..(comma - 7)]);
            contentType = header.Length == 0 ? null : header.Split(';')[0];
        }
        else if (!isMediaField)
        {
            return null;
        }

        return Hash(value[start..], out var size, out var hash, ref contentType) ? (start, new TrimmedMedia("", contentType, size, hash)) : null;
    }

    /// <summary>Decodes piece by piece; false for what is no base64.</summary>
    private static bool Hash(ReadOnlySpan<byte> base64, out long size, out string hash, ref string? contentType)
    {
        const int Piece = 16 << 10;
        size = 0;
        hash = "";
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            while (!base64.IsEmpty)
            {
                var piece = base64[..Math.Min(base64.Length, Piece)];
                if (Base64.DecodeFromUtf8(piece, buffer, out var consumed, out var written, piece.Length == base64.Length) is not (OperationStatus.Done or OperationStatus.NeedMoreData)
                    || consumed == 0)
                {
                    return false;
                }

                if (size == 0)
                {
                    contentType ??= MediaSignature.ContentTypeOf(buffer.AsSpan(0, written));
                }

                sha.AppendData(buffer, 0, written);
                size += written;
                base64 = base64[consumed..];
            }

            hash = Convert.ToHexStringLower(sha.GetHashAndReset());
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private ReadOnlySpan<byte> Run()
    {
        try
        {
            while (_reader.Read())
            {
                Visit();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What could be read has been shortened; the rest stays.
        }

        TrimUnended();
        if (_output is null)
        {
            return _json;
        }

        _output.Write(_json[_copied..]);
        return _output.WrittenSpan;
    }

    private void Visit()
    {
        switch (_reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                _path[^1] = (((int)_reader.TokenStartIndex + 1)..((int)_reader.TokenStartIndex + 1 + _reader.ValueSpan.Length), -1);
                return;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                _path.RemoveAt(_path.Count - 1);
                return;
        }

        if (_path.Count > 0 && _path[^1].Index >= 0)
        {
            _path[^1] = (_path[^1].Name, _path[^1].Index + 1);
        }

        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                _path.Add((default, -1));
                break;
            case JsonTokenType.StartArray when !Name().SequenceEqual("embedding"u8) || !TrimNumbers():
                _path.Add((default, 0));
                break;
            case JsonTokenType.String when _reader.ValueSpan.Length > MaxTextBytes:
                TrimText();
                break;
        }
    }

    private void TrimText()
    {
        var value = _reader.ValueSpan;
        if (_reader.ValueIsEscaped)
        {
            var unescaped = new byte[value.Length];
            value = unescaped.AsSpan(0, _reader.CopyString(unescaped));
        }

        if (value.IndexOfAny((byte)'\n', (byte)'\r') >= 0 && (value.StartsWith("data:"u8) || IsMediaField()))
        {
            value = value.ToArray().Where(b => b is not ((byte)'\n' or (byte)'\r')).ToArray();
        }

        if (value.Length > MaxTextBytes && ReadMedia(value, IsMediaField()) is var (start, media))
        {
            _trimmed?.Add(media with { Path = Path() });
            Replace((int)_reader.TokenStartIndex, (int)_reader.BytesConsumed, value[..(start + KeptTextBytes)]);
        }
    }

    /// <summary>A body that was cut ends in the middle of its largest value.</summary>
    private void TrimUnended()
    {
        var rest = _json[(int)_reader.BytesConsumed..];
        var quote = rest.IndexOf((byte)'"');
        if (quote < 0 || rest.Length - quote <= MaxTextBytes)
        {
            return;
        }

        var value = rest[(quote + 1)..];
        var isDataUrl = value.StartsWith("data:"u8);
        var kept = value[..KeptTextBytes];
        if ((isDataUrl || IsMediaField()) && value[KeptTextBytes..].IndexOfAnyExcept(Base64Characters) < 0)
        {
            var type = isDataUrl && kept.IndexOfAny((byte)';', (byte)',') is > 5 and var end ? Encoding.UTF8.GetString(kept[5..end]) : null;
            _trimmed?.Add(new TrimmedMedia(Path(), type, null, null));
            Cut((int)_reader.BytesConsumed + quote + 1 + KeptTextBytes, _json.Length);
        }
    }

    /// <returns>True when the array at which the reader stands was a long vector; then the reader stands at its end.</returns>
    private bool TrimNumbers()
    {
        var numbers = _reader;
        var start = (int)numbers.TokenStartIndex;
        var count = 0;
        var kept = 0;
        while (numbers.Read() && numbers.TokenType == JsonTokenType.Number)
        {
            if (++count == KeptNumbers)
            {
                kept = (int)numbers.BytesConsumed;
            }
        }

        if (numbers.TokenType != JsonTokenType.EndArray || count <= MaxNumbers)
        {
            return false;
        }

        var end = (int)numbers.BytesConsumed;
        _trimmed?.Add(new TrimmedMedia(Path(), null, end - start, Convert.ToHexStringLower(SHA256.HashData(_json[start..end])), count));
        Cut(kept, end - 1);
        _reader = numbers;
        return true;
    }

    private void Replace(int start, int end, ReadOnlySpan<byte> text)
    {
        var output = Cut(start, end);
        output.Write("\""u8);
        output.Write(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
        output.Write("\""u8);
    }

    private ArrayBufferWriter<byte> Cut(int start, int end)
    {
        _output ??= new ArrayBufferWriter<byte>(_json.Length / 4);
        _output.Write(_json[_copied..start]);
        _copied = end;
        return _output;
    }

    private readonly bool IsMediaField() => Name() is { IsEmpty: false } name && name.Length < 64
        && MediaFields.Contains(Encoding.UTF8.GetString(name));

    /// <summary>Name of the field of which the current value is, or is an item.</summary>
    private readonly ReadOnlySpan<byte> Name()
    {
        for (var i = _path.Count - 1; i >= 0; i--)
        {
            if (_path[i].Index < 0)
            {
                return _json[_path[i].Name];
            }
        }

        return default;
    }

    private readonly string Path()
    {
        var path = new StringBuilder(_root);
        foreach (var (name, index) in _path)
        {
            if (index < 0)
            {
                path.Append('.').Append(Encoding.UTF8.GetString(_json[name]));
            }
            else
            {
                path.Append(CultureInfo.InvariantCulture, $"[{index - 1}]");
            }
        }

        return path.ToString();
    }
}
