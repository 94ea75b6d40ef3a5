using System.Text.Json;

namespace MLflow;

/// <summary>Where a JSON string stands in a text, with its quotes. Length 0 where there is none.</summary>
internal readonly record struct ChatTextSpan(int Start, int Length)
{
    public static ChatTextSpan Of(ref Utf8JsonReader reader) => new((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));
}
