namespace MLflow;

/// <summary>What exceptions say. Their members are the program's code, and may fail.</summary>
internal static class ExceptionText
{
    /// <summary>Empty where it cannot be had. Never throws.</summary>
    public static string MessageOf(Exception exception) => Ask(exception, static e => e.Message);

    /// <summary>Type, message and stack; the stack alone where they cannot be had. Never throws.</summary>
    public static string Of(Exception exception) => Ask(exception, static e => e.ToString()) is { Length: > 0 } text ? text : Ask(exception, static e => e.StackTrace);

    private static string Ask(Exception exception, Func<Exception, string?> question)
    {
        try
        {
            return question(exception) ?? "";
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return "";
        }
    }
}
