using System.Text;

namespace MLflow;

/// <summary>One event of a recorded event stream.</summary>
/// <param name="EventType">Value of its <c>event:</c> line; null where it had none.</param>
/// <param name="Data">Its data; <c>[DONE]</c> is an event like any other.</param>
/// <param name="Time">When it came, from the beginning of the request.</param>
public sealed record RecordedStreamEvent(string? EventType, string Data, TimeSpan Time)
{
    /// <summary>The event as it stands in a stream, with the blank line that ends it.</summary>
    internal string ToText()
    {
        var text = new StringBuilder();
        if (EventType is not null)
        {
            text.Append("event: ").Append(EventType).Append('\n');
        }

        foreach (var line in Data.Split('\n'))
        {
            text.Append("data: ").Append(line).Append('\n');
        }

        return text.Append('\n').ToString();
    }
}
