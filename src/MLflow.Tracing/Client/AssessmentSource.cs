namespace MLflow;

/// <summary>Who made an assessment.</summary>
/// <param name="Type">A person, a model or a program.</param>
/// <param name="Id">Which one: a user's id, a model's name, a program. Null where nobody said.</param>
public sealed record AssessmentSource(AssessmentSourceType Type, string? Id)
{
    /// <summary>What MLflow takes for the id where the program names none.</summary>
    internal const string DefaultId = "default";

    /// <summary>A person.</summary>
    public static AssessmentSource Human(string id = DefaultId) => new(AssessmentSourceType.Human, id);

    /// <summary>A model.</summary>
    public static AssessmentSource LlmJudge(string id = DefaultId) => new(AssessmentSourceType.LlmJudge, id);

    /// <summary>A program.</summary>
    public static AssessmentSource Code(string id = DefaultId) => new(AssessmentSourceType.Code, id);
}
