using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Spans;

/// <summary>A piece of a bar, in percent of the ruler.</summary>
public sealed record BarPart(BarStyle Style, double Left, double Width)
{
    public string Css => Style switch
    {
        BarStyle.Hollow => "b w",
        BarStyle.Bracket => "b ag",
        BarStyle.FailedAttempt => "b hat",
        BarStyle.BackOff => "b off",
        BarStyle.Open => "b open",
        BarStyle.Broken => "b cut",
        BarStyle.Stopped => "b stop",
        BarStyle.Critical => "b cp",
        _ => "b s",
    };

    /// <summary>Geometry: the one use of a style attribute.</summary>
    public string Geometry => Style is BarStyle.Broken or BarStyle.Stopped or BarStyle.Open
        ? $"left:{Figures.Css(Left)}"
        : $"left:{Figures.Css(Left)};width:{Figures.Css(Width)}";
}
