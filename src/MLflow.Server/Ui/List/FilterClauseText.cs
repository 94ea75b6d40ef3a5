namespace MLflow.Server.Ui.List;

/// <summary>Writes one clause as the grammar wants it.</summary>
public static class FilterClauseText
{
    /// <summary>A clause that compares a field; null where the value is none that the field takes.</summary>
    /// <param name="field">What is compared.</param>
    /// <param name="key">Its key, where it has one.</param>
    /// <param name="comparison">How.</param>
    /// <param name="value">With what; a list has commas.</param>
    public static string? Write(FilterField field, string? key, string comparison, string? value)
    {
        if (field.HasKey && (string.IsNullOrWhiteSpace(key) || Name(key) is null))
        {
            return null;
        }

        var name = field.HasKey ? field.Text + Name(key!.Trim()) : field.Text;
        if (comparison.EndsWith("NULL", StringComparison.Ordinal))
        {
            return $"{name} {comparison}";
        }

        value = value?.Trim() ?? "";
        if (comparison.EndsWith("IN", StringComparison.Ordinal))
        {
            var values = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Quote).ToList();
            return values.Count == 0 || values.Contains(null) ? null : $"{name} {comparison} ({string.Join(", ", values)})";
        }

        if (field.IsNumber || comparison is ">" or ">=" or "<" or "<=")
        {
            return double.TryParse(value, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? $"{name} {comparison} {value}" : null;
        }

        // Whoever looks for a word means it anywhere.
        var pattern = comparison.EndsWith("LIKE", StringComparison.Ordinal) && comparison != "RLIKE" && !value.Contains('%', StringComparison.Ordinal) ? $"%{value}%" : value;
        return value.Length == 0 ? null : Quote(pattern) is { } quoted ? $"{name} {comparison} {quoted}" : null;
    }

    /// <summary>A text in quotes; null where it has quotes of both kinds, as nothing is escaped within them.</summary>
    public static string? Quote(string text) => !text.Contains('\'', StringComparison.Ordinal) ? $"'{text}'" : text.Contains('"', StringComparison.Ordinal) ? null : $"\"{text}\"";

    private static string? Name(string key) => key.All(c => char.IsLetterOrDigit(c) || c is '_' or '-') ? key : key.Contains('`', StringComparison.Ordinal) ? null : $"`{key}`";
}
