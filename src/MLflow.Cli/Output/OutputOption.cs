using System.CommandLine;

namespace MLflow.Cli.Output;

/// <summary><c>--output table|json</c></summary>
internal static class OutputOption
{
    /// <param name="whenAbsent">What is written without it.</param>
    public static Option<OutputFormat> Create(OutputFormat whenAbsent = OutputFormat.Table)
    {
        var option = new Option<OutputFormat>("--output")
        {
            Description = "table for people, json for programs.",
            HelpName = "table|json",
            DefaultValueFactory = _ => whenAbsent,
            CustomParser = result =>
            {
                var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
                switch (text)
                {
                    case "table":
                        return OutputFormat.Table;
                    case "json":
                        return OutputFormat.Json;
                    default:
                        result.AddError($"--output {text} is not known: write table or json");
                        return whenAbsent;
                }
            },
        };
        return option;
    }
}
