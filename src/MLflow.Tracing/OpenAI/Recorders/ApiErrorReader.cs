using System.Text.Json;

namespace MLflow;

/// <summary>Reads the error object of a response, in the shapes that OpenAI and compatible servers send.</summary>
internal static class ApiErrorReader
{
    /// <summary>Reads a whole body: <c>{"error":{…}}</c>, <c>{"error":"…"}</c>, or the fields at the top. Null when it reports none.</summary>
    public static ApiError? ReadBody(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body, JsonText.ReaderOptions);
            if (!reader.Read())
            {
                return null;
            }

            // Google's compatible endpoint wraps the object in an array.
            if (reader.TokenType == JsonTokenType.StartArray && !reader.Read())
            {
                return null;
            }

            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            var top = reader;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isError = reader.TextEquals("error"u8);
                reader.Read();
                if (isError)
                {
                    return Read(ref reader);
                }

                reader.Skip();
            }

            return ReadObject(ref top) is { Message: not null } error ? error : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Reads the value of <c>error</c> at which the reader stands. Null for null and for what says nothing.</summary>
    public static ApiError? Read(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return new ApiError(JsonText.ReadString(ref reader), null, null);
            case JsonTokenType.StartObject:
                return ReadObject(ref reader);
            default:
                reader.Skip();
                return null;
        }
    }

    private static ApiError ReadObject(ref Utf8JsonReader reader)
    {
        string? message = null, type = null, code = null, param = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.TextEquals("message"u8))
            {
                reader.Read();
                message = Text(ref reader);
            }
            else if (reader.TextEquals("type"u8))
            {
                reader.Read();
                type = Text(ref reader);
            }
            else if (reader.TextEquals("code"u8))
            {
                reader.Read();
                code = Text(ref reader);
            }
            else if (reader.TextEquals("param"u8))
            {
                reader.Read();
                param = Text(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return new ApiError(message, type, code, param);
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return JsonText.ReadString(ref reader);
            case JsonTokenType.Number:
                return System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
            default:
                reader.Skip();
                return null;
        }
    }
}
