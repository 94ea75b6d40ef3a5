namespace MLflow.Server.Rest;

/// <summary>Who may show the pages in a frame of theirs: <c>SAMEORIGIN</c>, <c>DENY</c>, or <c>NONE</c> for no rule, as MLflow's setting has it.</summary>
internal sealed record FrameOptions(string Name)
{
    public const string NoRule = "NONE";

    private static readonly string[] All = ["SAMEORIGIN", "DENY", NoRule];

    /// <summary>Value of <c>X-Frame-Options</c>; null for none.</summary>
    public string? Header => Name == NoRule ? null : Name;

    /// <summary>The directive of a content security policy; empty for none.</summary>
    public string Directive => Name switch
    {
        "DENY" => "; frame-ancestors 'none'",
        NoRule => "",
        _ => "; frame-ancestors 'self'",
    };

    /// <summary>Null for a name that is not known.</summary>
    public static FrameOptions? Parse(string name) => All.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } known ? new FrameOptions(known) : null;
}
