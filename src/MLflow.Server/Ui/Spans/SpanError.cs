namespace MLflow.Server.Ui.Spans;

/// <summary>Why a span failed.</summary>
/// <param name="Type">The exception's type, or null when only a message is known.</param>
/// <param name="Message">The message.</param>
/// <param name="StackTrace">The stack, or null: none is invented.</param>
/// <param name="AtMs">Milliseconds from the start of the span, or null when no time is known.</param>
public sealed record SpanError(string? Type, string Message, string? StackTrace, double? AtMs)
{
    /// <summary>Type without its namespace, and message, on one line.</summary>
    public string Line
    {
        get
        {
            var message = Message.ReplaceLineEndings(" ").Trim();
            var type = ShortType;
            return type is null ? message : message.Length == 0 ? type : $"{type}: {message}";
        }
    }

    /// <summary><c>HttpIOException</c> for <c>System.Net.Http.HttpIOException</c>.</summary>
    public string? ShortType => Type is null ? null : Type[(Type.LastIndexOf('.') + 1)..];
}
