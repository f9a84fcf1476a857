package pitwall.maths;

import org.codehaus.commons.compiler.CompileException;
import org.codehaus.janino.SimpleCompiler;

import pitwall.plan.Formula;
import pitwall.plan.FormulaStep;
import pitwall.plan.Plan;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The Java source of a plan's formulas, compiled by Janino, which Flink has for its SQL. The source
 * has calls of {@link Steps} and numbers alone; no text of a plan gets into it.
 */
final class FormulaCode {
    private static final String CLASS = "pitwall.maths.PlanFormulas";
    private static final String PARAMETERS =
            "double timeUs, double beforeUs, double newLap, double[] v, boolean[] sent, double[] k";
    private static final String ARGUMENTS = "timeUs, beforeUs, newLap, v, sent, k";

    /** Steps of this tick's numbers: how many they take. */
    private static final Map<String, Integer> PURE = new HashMap<>();

    /** Steps that keep something: how many they take, and how many numbers they keep. */
    private static final Map<String, int[]> KEEPING = new HashMap<>();

    static {
        for (String name :
                List.of(
                        "value", "negative", "not", "abs", "sqrt", "exp", "log", "sin", "cos",
                        "sign", "round", "floor")) {
            PURE.put(name, 1);
        }
        for (String name :
                List.of(
                        "add", "subtract", "multiply", "divide", "modulo", "power", "less",
                        "less_equal", "greater", "greater_equal", "equal", "not_equal", "and",
                        "or", "min", "max", "atan2")) {
            PURE.put(name, 2);
        }
        PURE.put("where", 3);
        KEEPING.put("previous", new int[] {1, 1});
        KEEPING.put("hold", new int[] {1, 1});
        KEEPING.put("rate", new int[] {1, 2});
        KEEPING.put("smooth", new int[] {2, 2});
        KEEPING.put("integral", new int[] {2, 3});
        KEEPING.put("count_of", new int[] {2, 1});
        KEEPING.put("time_since", new int[] {1, 1});
        KEEPING.put("stat_min", new int[] {2, 1});
        KEEPING.put("stat_max", new int[] {2, 1});
        KEEPING.put("stat_mean", new int[] {2, 2});
    }

    private final StringBuilder code = new StringBuilder();
    private int slots;

    private FormulaCode() {}

    /** How many numbers a formula keeps between two ticks. */
    static int slots(Formula formula) {
        int slots = 0;
        for (FormulaStep step : formula.steps()) {
            slots += KEEPING.containsKey(step.name()) ? KEEPING.get(step.name())[1] : 0;
        }
        return slots;
    }

    static CompiledFormulas compile(Plan plan) {
        FormulaCode source = new FormulaCode();
        source.write(plan);
        SimpleCompiler compiler = new SimpleCompiler();
        compiler.setParentClassLoader(CompiledFormulas.class.getClassLoader());
        try {
            compiler.cook(source.code.toString());
            return (CompiledFormulas)
                    compiler.getClassLoader()
                            .loadClass(CLASS)
                            .getDeclaredConstructor()
                            .newInstance();
        } catch (CompileException | ReflectiveOperationException e) {
            throw new IllegalStateException("the plan's formulas cannot be compiled", e);
        }
    }

    /** A method for each formula: Java compiles small methods to machine code, and no huge ones. */
    private void write(Plan plan) {
        code.append("package pitwall.maths;\n")
                .append("public final class PlanFormulas extends CompiledFormulas {\n")
                .append("public void next(" + PARAMETERS + ") {\n");
        for (int i = 0; i < plan.formulas.size(); i++) {
            code.append("f" + i + "(" + ARGUMENTS + ");\n");
        }
        code.append("}\n");
        for (int i = 0; i < plan.formulas.size(); i++) {
            code.append("private static void f" + i + "(" + PARAMETERS + ") {\n");
            write(plan.formulas.get(i), plan.channels.size() + i);
            code.append("}\n");
        }
        code.append("}\n");
    }

    private void write(Formula formula, int source) {
        List<FormulaStep> steps = formula.steps();
        for (int i = 0; i < steps.size(); i++) {
            String value = value(steps, i, source);
            if (!steps.get(i).name().equals("number")) {
                code.append("double x" + i + " = " + value + ";\n");
            }
        }
        String result = name(steps, steps.size() - 1);
        code.append("v[" + source + "] = " + result + ";\n");
        code.append("sent[" + source + "] = v[" + source + "] == v[" + source + "] || true");
        for (int read : formula.reads()) {
            code.append(" && sent[" + read + "]");
        }
        code.append(";\n");
    }

    private static String name(List<FormulaStep> steps, int place) {
        FormulaStep step = steps.get(place);
        return step.name().equals("number") ? "(" + step.number() + ")" : "x" + place;
    }

    private String value(List<FormulaStep> steps, int place, int source) {
        FormulaStep step = steps.get(place);
        int[] places = step.places();
        switch (step.name()) {
            case "number":
                require(places.length == 0 && Double.isFinite(step.number()), step);
                return "";
            case "new_lap":
                require(places.length == 0, step);
                return "newLap";
            case "channel":
                require(places.length == 1 && places[0] >= 0 && places[0] < source, step);
                return "Steps.finite(v[" + places[0] + "])";
            default:
                return call(steps, place);
        }
    }

    private String call(List<FormulaStep> steps, int place) {
        FormulaStep step = steps.get(place);
        int[] keeping = KEEPING.get(step.name());
        Integer takes = keeping == null ? PURE.get(step.name()) : (Integer) keeping[0];
        require(takes != null && takes == step.places().length, step);
        StringBuilder call = new StringBuilder("Steps." + javaName(step.name()) + "(");
        if (keeping != null) {
            call.append("k, " + slots + ", timeUs, beforeUs, ");
            slots += keeping[1];
        }
        for (int i = 0; i < step.places().length; i++) {
            int taken = step.places()[i];
            require(taken >= 0 && taken < place, step);
            call.append(i == 0 ? "" : ", ").append(name(steps, taken));
        }
        return call.append(")").toString();
    }

    private static String javaName(String name) {
        StringBuilder java = new StringBuilder();
        for (String word : name.split("_")) {
            java.append(
                    java.isEmpty()
                            ? word
                            : word.substring(0, 1).toUpperCase() + word.substring(1));
        }
        return java.toString();
    }

    private static void require(boolean sound, FormulaStep step) {
        if (!sound) {
            throw new IllegalArgumentException(
                    "the plan has a step of a formula that cannot be computed: " + step);
        }
    }
}
